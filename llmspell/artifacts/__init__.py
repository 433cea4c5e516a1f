"""Artifacts: what sessions keep as files, stored once for all that have the same content."""
