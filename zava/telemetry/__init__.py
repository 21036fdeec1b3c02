"""The telemetry events, and the instruments that measure them."""
