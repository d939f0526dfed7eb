"""Payouts: what payees have earned goes to their accounts at the gateway, once for each occasion."""
