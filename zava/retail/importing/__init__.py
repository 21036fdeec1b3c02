"""Import a retailer's own files: read, stage, check, and write them in one transaction."""
