"""A source's files: their rows as text, rewritten as the layout's, and a first mapping for them."""
