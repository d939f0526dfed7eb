"""Events: dinners that hosts plan, publish and cancel, and that guests find.

An event is born a draft, is published once, and may be cancelled. Its seats are counted in the event itself: ``seats_left``, the holds and
the waiting list change only there, in single atomic updates, so that no seat is lost or sold twice.
"""
