"""Statements, and the executor through which all of them reach the database."""
