"""Reconciliation: what we believe held against what the gateway says, once a day and whenever somebody asks."""
