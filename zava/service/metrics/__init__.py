"""Certified metrics: query, periods, series and forecast."""
