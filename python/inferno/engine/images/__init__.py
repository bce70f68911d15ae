"""Pictures in prompts: decoded within bounds, encoded by the model's image encoder, kept for the next turn."""
