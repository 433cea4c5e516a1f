"""Sessions: work with a beginning, an end, a timeline, and checkpoints to go back to."""
