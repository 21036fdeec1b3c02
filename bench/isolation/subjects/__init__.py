"""One module for each measured server or pattern, with its `SUBJECTS`."""
