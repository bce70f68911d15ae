"""Where time and memory of a model go, measured on this machine. Runs the engine as a client; knows no HTTP."""
