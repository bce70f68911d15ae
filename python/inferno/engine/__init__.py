"""Requests in, text out. ``client`` is what the server sees; ``local`` alone runs the native engine."""
