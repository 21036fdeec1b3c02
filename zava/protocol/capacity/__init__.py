"""Limits on requests at once, on their time and on the process's."""
