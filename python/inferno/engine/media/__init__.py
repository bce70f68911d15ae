"""Pictures and sounds in prompts: decoded within bounds, encoded by the model's encoder, kept for the next turn."""
