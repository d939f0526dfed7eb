"""Delivery: how messages reach their handlers, at least once, whatever crashes in between.

A use case writes its messages into the ``outbox`` array of the one document that it changes. The relay turns each of them into one
delivery document for each handler, then takes it out of the outbox. A worker claims a delivery, runs the handler and marks it done; what
fails is tried again with backoff, and what fails for good becomes a dead letter. The queue only carries hints, so that a lost task costs
seconds, never a message.
"""
