"""The demo chain."""
