"""Metrics that a declaration defines over an adopted database."""
