"""Bearer tokens, their keys, and what they permit."""
