"""ONNX models: which file of a folder is the graph, and what the other files say of it."""
