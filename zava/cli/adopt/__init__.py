"""`zava adopt`: the seal on a database of another application."""
