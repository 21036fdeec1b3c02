"""All rows of a person's statement, from the database into a file that leaves in parts."""
