"""What a resource is, and those of the server itself."""
