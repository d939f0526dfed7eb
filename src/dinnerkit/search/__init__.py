"""Search: events by what people type, and people by who they are alike. The index is a backend's; here is what goes in and comes out."""
