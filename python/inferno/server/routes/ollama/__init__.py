"""Ollama's API, one file per noun."""
