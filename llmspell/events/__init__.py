"""The event bus: who publishes does not know who listens."""
