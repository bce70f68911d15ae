"""One generation request as the metrics see it: which model, which endpoint, how it ended. Counted exactly once."""

from __future__ import annotations

import asyncio
from types import TracebackType

from inferno.engine.client import ModelCard
from inferno.engine.delta import Timings
from inferno.errors import InfernoError, Internal
from inferno.metrics.recorder import Recorder
from inferno.server.answer_head import AnswerHead
from inferno.server.refusals import ClientLeft
from inferno.server.tally import Tally

BACKEND_HEADER = b"x-inferno-backend"
"""Which backend computed the answer: of a model that comes in several forms, one was chosen."""


class Exchange:
    """As a context it counts what leaves it by an exception; what ends well says so with :meth:`finished`."""

    def __init__(self, recorder: Recorder, endpoint: str, head: AnswerHead) -> None:
        self._recorder = recorder
        self._endpoint = endpoint
        self._head = head
        self._counted = False
        self.model = ""
        """The served name, once the request was found to name one."""

    def names(self, model: str, card: ModelCard) -> None:
        """The request is for this model."""
        self.model = model
        self._head.headers.append((BACKEND_HEADER, card.backend.encode("ascii")))

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            self.failed(error)

    def finished(self, tally: Tally) -> None:
        """Every choice ended as it should."""
        self._count(tally.outcome)
        timings = tally.timings
        self._recorder.observe(
            self.model,
            self._endpoint,
            queued=timings.scheduled,
            first_token=timings.first_token,
            duration=timings.finished,
        )

    def embedded(self, timings: Timings) -> None:
        """Every text has its vector."""
        self._count("embedded")
        self._recorder.observe(self.model, self._endpoint, queued=timings.scheduled, duration=timings.finished)

    def scored(self, timings: Timings) -> None:
        """Every text has its scores."""
        self._count("scored")
        self._recorder.observe(self.model, self._endpoint, queued=timings.scheduled, duration=timings.finished)

    def inferred(self, timings: Timings) -> None:
        """The graph was computed."""
        self._count("inferred")
        self._recorder.observe(self.model, self._endpoint, queued=timings.scheduled, duration=timings.finished)

    def failed(self, error: BaseException) -> None:
        if isinstance(error, InfernoError):
            self._count(error.code)
        else:
            self._count(ClientLeft.code if isinstance(error, asyncio.CancelledError) else Internal.code)

    def _count(self, outcome: str) -> None:
        if not self._counted:
            self._counted = True
            self._recorder.count(self.model, self._endpoint, outcome)
