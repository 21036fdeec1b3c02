"""Reads on a streaming standby: when they run there, and what the primary does first."""
