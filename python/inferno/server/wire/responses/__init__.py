"""``/v1/responses`` on the wire: requests, items, the response itself and the events of its stream. Pure."""
