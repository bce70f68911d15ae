"""API keys: who a presented key belongs to. Keeps digests, never the keys, and knows nothing of HTTP."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from inferno.errors import ConfigError

ANONYMOUS = "anonymous"
"""The tenant of everybody on a server without keys."""

TENANT_HEX_DIGITS = 16
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Keys(Protocol):
    """Says which tenant a presented key belongs to."""

    @property
    def tenants(self) -> frozenset[str]:
        """All that there are."""
        ...

    def verify(self, presented: str | None) -> str | None:
        """The tenant of the key, or None if it opens nothing. ``presented`` is None when no key was sent."""
        ...


class NoKeys:
    """The off twin: a server without keys, where everybody is one tenant."""

    tenants = frozenset({ANONYMOUS})

    def verify(self, presented: str | None) -> str | None:
        return ANONYMOUS


class KeyStore:
    """A fixed set of keys, each written ``KEY`` or ``NAME KEY``.

    The tenant of a key is its name, so that a tenant may have several; without one, the start of its SHA-256, which is
    stable over restarts.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        """Raises ConfigError when there is no key, or one is blank or holds what no HTTP header can carry."""
        checked = [_parted(_checked(entry, position)) for position, entry in enumerate(keys, start=1)]
        if not checked:
            raise ConfigError("no API key given: at least one is needed to guard the server", param="api_keys")
        self._tenants = {_digest(key): name or _digest(key).hex()[:TENANT_HEX_DIGITS] for name, key in checked}

    @property
    def tenants(self) -> frozenset[str]:
        return frozenset(self._tenants.values())

    def verify(self, presented: str | None) -> str | None:
        """Compares with every key, in time that does not depend on which one matches, or how far."""
        if presented is None:
            return None
        digest = _digest(presented)
        found: str | None = None
        for known, tenant in self._tenants.items():
            if hmac.compare_digest(known, digest):
                found = tenant
        return found


def keys_of(api_keys: tuple[str, ...]) -> Keys:
    """The guard for these keys; none means that everybody may ask. Raises ConfigError for a key that cannot be sent."""
    return KeyStore(api_keys) if api_keys else NoKeys()


def read_key_file(path: Path) -> tuple[str, ...]:
    """Entries ``KEY`` or ``NAME KEY`` from a file: one a line, blank lines and lines that start with ``#`` left out.

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


def _parted(entry: str) -> tuple[str, str]:
    name, _, key = entry.rpartition(" ")
    return name, key


def _checked(entry: str, position: int) -> str:
    name, key = _parted(entry)
    if not key or any(not "!" <= character <= "~" for character in key) or (name and not _NAME.fullmatch(name)):
        raise ConfigError(
            f"API key number {position} is blank, or is not 'KEY' or 'NAME KEY': a key holds no space and no character"
            " outside ASCII, which an HTTP header cannot carry; a name is 1 to 64 letters, digits, '.', '_' or '-'",
            param="api_keys",
        )
    return entry
