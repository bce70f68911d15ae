"""What every answer of one request repeats: its id, its time, its model."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from inferno.engine.client import ModelCard
from inferno.security.randomness import unguessable

FINGERPRINT_HEX_DIGITS = 12
MODELS_REMEMBERED = 64
ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Envelope:
    """``created`` is Unix time in seconds."""

    id: str
    created: int
    model: str
    system_fingerprint: str


def new_envelope(prefix: str, model: str, card: ModelCard) -> Envelope:
    """For one new answer. ``prefix`` says of what kind: ``chatcmpl`` or ``cmpl``."""
    return Envelope(f"{prefix}-{unguessable().hex()}", int(time.time()), model, fingerprint(card))


def fingerprint(card: ModelCard) -> str:
    """The same for the same weights on the same backend, over restarts and machines."""
    return _fingerprint(f"{card.name}\n{card.backend}\n{card.weight_bytes}")


@lru_cache(MODELS_REMEMBERED)
def _fingerprint(identity: str) -> str:
    return "fp_" + hashlib.sha256(identity.encode()).hexdigest()[:FINGERPRINT_HEX_DIGITS]
