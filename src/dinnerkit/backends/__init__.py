"""The built-in backends: what needs no server, and the database itself."""
