"""What a test changes inside the worker process, by the name that `--plant` gives."""


def fast_telemetry() -> None:
    """Export at once, where the product gathers for 15 seconds."""
    from zava.infrastructure.telemetry.app_insights import Telemetry

    defaults = Telemetry.__init__.__kwdefaults__
    assert defaults is not None
    defaults["interval_seconds"] = 0.1
