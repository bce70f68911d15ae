"""API keys: who a presented key belongs to. Keeps digests, never the keys, and knows nothing of HTTP."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from inferno.errors import ConfigError

ANONYMOUS = "anonymous"
"""The tenant of everybody on a server without keys."""

TENANT_HEX_DIGITS = 16


class Keys(Protocol):
    """Says which tenant a presented key belongs to."""

    def verify(self, presented: str | None) -> str | None:
        """The tenant of the key, or None if it opens nothing. ``presented`` is None when no key was sent."""
        ...


class NoKeys:
    """The off twin: a server without keys, where everybody is one tenant."""

    def verify(self, presented: str | None) -> str | None:
        return ANONYMOUS


class KeyStore:
    """A fixed set of keys. The tenant of a key is the start of its SHA-256, stable over restarts."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Raises ConfigError when there is no key, or one is blank or holds what no HTTP header can carry."""
        checked = [_checked(key, position) for position, key in enumerate(keys, start=1)]
        if not checked:
            raise ConfigError("no API key given: at least one is needed to guard the server", param="api_keys")
        self._digests = tuple(dict.fromkeys(_digest(key) for key in checked))

    def verify(self, presented: str | None) -> str | None:
        """Compares with every key, in time that does not depend on which one matches, or how far."""
        if presented is None:
            return None
        digest = _digest(presented)
        tenant: str | None = None
        for known in self._digests:
            if hmac.compare_digest(known, digest):
                tenant = known.hex()[:TENANT_HEX_DIGITS]
        return tenant


def keys_of(api_keys: tuple[str, ...]) -> Keys:
    """The guard for these keys; none means that everybody may ask. Raises ConfigError for a key that cannot be sent."""
    return KeyStore(api_keys) if api_keys else NoKeys()


def read_key_file(path: Path) -> tuple[str, ...]:
    """Keys from a file: one a line, blank lines and lines that start with ``#`` left out.

    Raises ConfigError when the file cannot be read, is not UTF-8, holds no key, or one that cannot be sent.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"the API key file cannot be read: {error.strerror}", param="api_key_file") from None
    except UnicodeDecodeError:
        raise ConfigError("the API key file is not UTF-8 text", param="api_key_file") from None
    keys = [line.strip() for line in lines]
    found = [key for key in keys if key and not key.startswith("#")]
    if not found:
        raise ConfigError("the API key file holds no key: write one a line", param="api_key_file")
    return tuple(_checked(key, position) for position, key in enumerate(found, start=1))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _checked(key: str, position: int) -> str:
    if not key or any(not "!" <= character <= "~" for character in key):
        raise ConfigError(
            f"API key number {position} is blank or holds a space or a character outside ASCII,"
            " which an HTTP header cannot carry",
            param="api_keys",
        )
    return key
