"""People whom a directory proves: an OpenID provider signs them in for this server."""
