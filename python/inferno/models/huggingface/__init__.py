"""Hugging Face folders: what is in them, and how it becomes what the engine opens."""
