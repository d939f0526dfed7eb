"""The buses: in the process, and in the database."""
