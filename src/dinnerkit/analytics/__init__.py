"""Analytics: figures about all of the platform."""
