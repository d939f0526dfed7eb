"""Who is seated: guests, what they answered, and all of them as columns."""
