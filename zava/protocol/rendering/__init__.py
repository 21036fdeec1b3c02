"""Answers for programs and for readers."""
