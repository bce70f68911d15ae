"""What is measured and how it is exported. Fed by the engine's counters and by the edge; knows neither."""
