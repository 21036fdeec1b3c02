"""What PostgreSQL writes into its own log: no statement, no literal and no cell.

One list holds for every server: the embedded one, the container of `compose.yaml`, and Azure's.
"""

LOG_SETTINGS = {
    # The lines CONTEXT, DETAIL and QUERY repeat statements and cells; terse leaves them out.
    "log_error_verbosity": "terse",
    # The message of an error quotes the cell that did not fit, and the debug_print_* settings,
    # which a session may change, write whole trees at the level LOG. Both are below fatal.
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_duration": "off",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "debug_print_parse": "off",
    "debug_print_rewritten": "off",
    "debug_print_plan": "off",
}
"""Settings by name, as `SHOW` returns them; a caller's session may change `debug_print_*` alone."""

KEPT_LINES = "^(20[0-9][0-9]-|postgres: )"
"""Lines that the embedded server's log keeps, as an extended regular expression.

A backend that gets no memory writes the list of its memory contexts past every setting, and
these bear the beginning of the statement. Such lines begin with neither a time nor a program.
"""


def configuration() -> str:
    """Return the settings as lines of PostgreSQL's configuration."""
    return "".join(f"{name} = '{value}'\n" for name, value in LOG_SETTINGS.items())
