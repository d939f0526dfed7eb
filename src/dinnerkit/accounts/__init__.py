"""Accounts: who the people are, and how they prove it.

``service.py`` keeps the users and their profiles, ``sign_in.py`` the passwords and sessions, ``recovery.py`` what goes by mail:
verification of an address and a new password. ``wiring.py`` makes all of them at once.
"""
