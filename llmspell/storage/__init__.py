"""Ordered bytes in transactions, and what is stored in them. Nothing here has heard of a script."""
