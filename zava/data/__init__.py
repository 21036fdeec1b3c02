"""Statements, and the one door through which they reach the database."""
