"""Files of people and of rules in, a file of tables out."""
