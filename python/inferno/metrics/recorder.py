"""Records how each generation request ended, and how long it took. Fed by the edge, once a request."""

from __future__ import annotations

from typing import TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Histogram

from inferno.metrics import instruments
from inferno.metrics.instruments import Title

_Instrument = TypeVar("_Instrument", Counter, Histogram)


class Recorder:
    """Owns its instruments in the registry it is given; there is no global one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        requests = instruments.REQUESTS
        self._requests = Counter(requests.name, requests.help, ("model", "endpoint", "outcome"), registry=registry)
        deprecated = instruments.DEPRECATED_REQUESTS
        self._deprecated = Counter(deprecated.name, deprecated.help, ("endpoint",), registry=registry)
        self._first_token = _histogram(instruments.TIME_TO_FIRST_TOKEN, registry)
        self._queue = _histogram(instruments.REQUEST_QUEUE, registry)
        self._duration = _histogram(instruments.REQUEST_DURATION, registry)
        self._children: dict[tuple[object, tuple[str, ...]], object] = {}

    def count(self, model: str, endpoint: str, outcome: str) -> None:
        """One request ended: ``outcome`` is a finish reason, ``embedded`` or an error code; ``model`` may be empty."""
        self._child(self._requests, model, endpoint, outcome).inc()

    def count_deprecated(self, endpoint: str) -> None:
        """One request to an endpoint that ages."""
        self._deprecated.labels(endpoint).inc()

    def observe(
        self, model: str, endpoint: str, *, queued: float, duration: float, first_token: float | None = None
    ) -> None:
        """The times of one request that was answered to its end, in seconds since it arrived at the engine."""
        self._child(self._queue, model, endpoint).observe(queued)
        if first_token is not None:
            self._child(self._first_token, model, endpoint).observe(first_token)
        self._child(self._duration, model, endpoint).observe(duration)

    def _child(self, instrument: _Instrument, *labels: str) -> _Instrument:
        """As the instrument's own ``labels``, which locks and checks each time."""
        child = self._children.get((instrument, labels))
        if child is None:
            child = self._children[instrument, labels] = instrument.labels(*labels)
        return cast(_Instrument, child)


def _histogram(title: Title, registry: CollectorRegistry) -> Histogram:
    buckets = instruments.SECONDS_BUCKETS
    return Histogram(title.name, title.help, ("model", "endpoint"), registry=registry, buckets=buckets)
