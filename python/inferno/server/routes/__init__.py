"""The routes, one file per noun. They see the registry, the wire and the errors, and nothing deeper."""
