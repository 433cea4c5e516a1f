"""Schemas and migrations: documents saved last year load next year. Plain Python, usable without scripts."""
