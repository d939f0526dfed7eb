"""Groups of the most worth: weights, groups and constraints; nothing here knows of dinners."""
