"""How models write what is more than text: tool calls and reasoning. Found in its chat template, never told."""
