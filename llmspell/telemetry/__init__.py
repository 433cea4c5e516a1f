"""What happens, as OpenTelemetry spans and metrics: for those who watch many processes from one place."""
