"""The HTTP edge: the OpenAI API over an :class:`~inferno.engine.client.EngineClient`. Alone imports starlette."""
