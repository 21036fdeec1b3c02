"""The frozen values of the domain, shared by every layer."""
