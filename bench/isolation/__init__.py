"""A benchmark of isolation: hostile statements of one tenant, sent to each server in turn."""
