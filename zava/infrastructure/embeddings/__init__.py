"""Models that turn text into vectors: one port, a service in the cloud, a file on a laptop."""
