"""One saved prefix as a file: a head that says whose it is and of what, the tokens, the backend's bytes. Keyed digests
over both parts are checked before anything in it is believed.

    head     magic, identity, tenant, token count, payload size, digest of the payload, digest of head and tokens
    tokens   little-endian int32
    payload  opaque: only the backend that wrote it understands it

``identity`` stands for the model's content, the build and the form of the payload; ``tenant`` for who owns it. Both are
keyed digests, as is the file's name: nothing in a name tells whose it is.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".prefix"
DIGEST_BYTES = 32
KEY_BYTES = 32

_MAGIC = b"INFPFX\x00\x01"
_HEAD = struct.Struct(f"<{len(_MAGIC)}s{DIGEST_BYTES}s{DIGEST_BYTES}sIQ{DIGEST_BYTES}s{DIGEST_BYTES}s")
_SIGNED = _HEAD.size - DIGEST_BYTES
_TOKEN_BYTES = 4


class Rejected(Exception):
    """The file is not what it should be; the text says why, without its path."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What makes a file ours: the store's key, and the digest of all that a payload depends on."""

    key: bytes
    identity: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What a checked head says. ``tokens`` are packed as in the file."""

    tenant: bytes
    tokens: bytes
    payload_bytes: int
    payload_digest: bytes

    @property
    def file_bytes(self) -> int:
        return file_bytes(self.tokens, self.payload_bytes)


def digest(key: bytes, *parts: bytes | memoryview) -> bytes:
    """Of the parts in order. Callers give parts of fixed length, but for the last: nothing else marks their borders."""
    total = hashlib.blake2b(key=key, digest_size=DIGEST_BYTES)
    for part in parts:
        total.update(part)
    return total.digest()


def packed(tokens: Sequence[int]) -> bytes:
    """Raises OverflowError for what is no int32."""
    values = array("i", tokens)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def unpacked(tokens: bytes) -> list[int]:
    values = array("i", tokens)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tolist()


def file_bytes(tokens: bytes, payload_bytes: int) -> int:
    return _HEAD.size + len(tokens) + payload_bytes


def name_of(key: bytes, tenant: bytes, tokens: bytes) -> str:
    return digest(key, b"name", tenant, tokens).hex()[:DIGEST_BYTES] + SUFFIX


def write(path: Path, seal: Seal, tenant: bytes, tokens: bytes, payload: memoryview) -> Head:
    """Write ``path``, readable by its owner only, through a file beside it. Raises OSError."""
    head = Head(tenant, tokens, payload.nbytes, digest(seal.key, b"payload", payload))
    count = len(tokens) // _TOKEN_BYTES
    start = _HEAD.pack(_MAGIC, seal.identity, tenant, count, head.payload_bytes, head.payload_digest, b"")[:_SIGNED]
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NOFOLLOW, 0o600), "wb") as file:
            file.write(start + digest(seal.key, b"head", start, tokens))
            file.write(tokens)
            file.write(payload)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return head


def read_head(path: Path, seal: Seal) -> Head:
    """Raises Rejected, or OSError where it cannot be read."""
    with _open(path) as file:
        return _head(file, path, seal)


def read(path: Path, seal: Seal) -> tuple[Head, bytes]:
    """The head and the payload, both checked. Raises Rejected, or OSError where it cannot be read."""
    with _open(path) as file:
        head = _head(file, path, seal)
        payload = file.read(head.payload_bytes)
    if not hmac.compare_digest(digest(seal.key, b"payload", payload), head.payload_digest):
        raise Rejected("the content does not match its digest")
    return head, payload


_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def _open(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_RDONLY | _NOFOLLOW), "rb")


def _head(file: BinaryIO, path: Path, seal: Seal) -> Head:
    start = file.read(_HEAD.size)
    if len(start) < _HEAD.size:
        raise Rejected("it is too short")
    magic, theirs, tenant, count, payload_bytes, payload_digest, signature = _HEAD.unpack(start)
    if magic != _MAGIC:
        raise Rejected("it is no saved prefix of this version")
    if os.fstat(file.fileno()).st_size != _HEAD.size + count * _TOKEN_BYTES + payload_bytes:
        raise Rejected("its size is not the one it names")
    tokens = file.read(count * _TOKEN_BYTES)
    if not hmac.compare_digest(digest(seal.key, b"head", start[:_SIGNED], tokens), signature):
        raise Rejected("the head does not match its digest")
    if theirs != seal.identity:
        raise Rejected("it belongs to another model, build or form of cache")
    if path.name != name_of(seal.key, tenant, tokens):
        raise Rejected("its name belongs to another prefix")
    return Head(tenant, tokens, payload_bytes, payload_digest)
