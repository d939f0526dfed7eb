"""Booking: seats held, paid, confirmed, given back and waited for."""
