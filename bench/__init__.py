"""Measurements: paired, interleaved, checked by content, told as ratios."""
