"""The statements of an adoption, by transaction."""
