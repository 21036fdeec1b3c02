"""Periods as people and answers write them, read as days."""
