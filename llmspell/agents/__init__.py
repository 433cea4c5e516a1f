"""Agents: what one knows and did, kept in the state under its own scope, from run to run."""
