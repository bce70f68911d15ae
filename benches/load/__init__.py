"""A load generator for any OpenAI endpoint, and a runner that compares Inferno with a peer (``benches/README.md``)."""
