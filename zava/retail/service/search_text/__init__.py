"""Reading of what is searched for: its words, SKUs, prices and sizes."""
