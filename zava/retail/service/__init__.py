"""Use cases of the retail domain."""
