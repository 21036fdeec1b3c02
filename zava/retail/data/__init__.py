"""Statements of the retail domain."""
