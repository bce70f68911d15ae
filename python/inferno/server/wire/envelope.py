"""What every answer of one request repeats: its id, its time, its model."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass

import msgspec

from inferno.engine.client import ModelCard

FINGERPRINT_HEX_DIGITS = 12
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
    return Envelope(f"{prefix}-{secrets.token_hex(16)}", int(time.time()), model, fingerprint(card))


def fingerprint(card: ModelCard) -> str:
    """The same for the same weights on the same backend, over restarts and machines."""
    identity = f"{card.name}\n{card.backend}\n{card.weight_bytes}".encode()
    return "fp_" + hashlib.sha256(identity).hexdigest()[:FINGERPRINT_HEX_DIGITS]
