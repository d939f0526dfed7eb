"""Photos of dinners: taken from their hosts, made anew from their pixels alone, and shown."""
