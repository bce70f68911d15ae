"""Models: where a MODEL argument leads (``source``), the one that ships (``builtin``), those served (``registry``)."""
