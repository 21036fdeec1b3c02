"""What a tool is, and how one is called."""
