"""What a principal uses, and statistics of statements."""
