"""Who may ask. Decides; ``server/middleware`` enforces. Knows nothing of HTTP."""
