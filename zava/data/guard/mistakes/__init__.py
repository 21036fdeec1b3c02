"""What to write instead of forms that PostgreSQL's grammar lacks, by what they were meant to be."""
