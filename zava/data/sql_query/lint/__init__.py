"""Notes on what a free statement computes, from its parse tree."""
