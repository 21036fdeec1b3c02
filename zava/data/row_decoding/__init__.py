"""Reading the rows of an answer: their columns, and their cells from JSON or from text."""
