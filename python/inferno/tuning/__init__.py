"""Which settings make a model fastest on this machine: measured, kept, and found again when it is served."""
