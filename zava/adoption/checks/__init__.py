"""What a declaration is refused for, and what it warns of."""
