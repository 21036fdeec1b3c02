"""The text of a statement and its parse tree."""
