"""Notifications: the mails that follow from messages."""
