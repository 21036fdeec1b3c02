"""The retail domain: its tools, use cases, statements and demo data."""
