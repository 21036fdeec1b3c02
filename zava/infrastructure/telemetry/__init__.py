"""Where telemetry events go."""
