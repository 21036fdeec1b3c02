"""Adopt a database of another application: the seal for its rows, no change to the application."""
