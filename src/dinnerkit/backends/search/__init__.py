"""Search in MongoDB: an index of words that needs no server of its own."""
