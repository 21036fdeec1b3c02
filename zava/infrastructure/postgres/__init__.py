"""Connections, and what administers the database."""
