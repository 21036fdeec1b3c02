"""Estimates of what a statement costs, by its text."""
