"""Ollama's API on the wire: one file per noun, with pure conversions to and from the engine's nouns."""
