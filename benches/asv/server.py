"""What surrounds the engine: tokenizing, writing events, and a whole server on ``fake:``."""

from __future__ import annotations

import asyncio
import sys

from benches.cases import EMBER, encode_events
from benches.http_overhead import WORKLOAD, fake_plan, fake_server
from benches.load.measure import measure_closed_loop
from benches.workloads import WORKLOADS
from inferno._core import Model, ModelOptions
from inferno.models.source import resolve


class Tokenizer:
    """Ember's, on the long prompt of workload D."""

    def setup(self) -> None:
        self.model = Model.load(resolve(EMBER).path, ModelOptions())
        intruder = WORKLOADS["D"].intruder
        assert intruder is not None
        self.text = intruder.text("case", 0)
        self.tokens = self.model.encode([self.text], False)

    def time_encode(self) -> None:
        self.model.encode([self.text], False)

    def time_decode(self) -> None:
        self.model.decode(self.tokens)


class Events:
    def time_encode_events(self) -> None:
        encode_events()


class Http:
    """Workload I without its peer: what a token through HTTP takes. Not tokens a second: to asv less is better."""

    timeout = 180.0
    unit = "us/token"

    def track_token(self) -> float:
        server = fake_server([sys.executable, "-m", "inferno.serve"], [])
        return 1e6 / asyncio.run(measure_closed_loop(WORKLOAD, server, fake_plan(), run="asv")).values["output_rate"]
