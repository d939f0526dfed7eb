"""Vouchers: codes that take something off the price, made by hosts and used by their guests."""
