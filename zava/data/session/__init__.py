"""Execute statements for a caller; only this package holds the pool."""
