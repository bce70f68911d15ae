"""``config.json`` as typed, ranged values: what a folder says of itself is not trusted further than its range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inferno.errors import DataCorrupted, Unsupported

MAX_SIZE = 2**24
"""Of a width, a vocabulary, a number of heads. Context lengths have :data:`MAX_CONTEXT`."""
MAX_CONTEXT = 2**31 - 1
MAX_NUMBER = 3e38
"""What fits into the 32 bits that GGUF has for such."""
MAX_LAYERS = 512
MAX_EXPERTS = 512
"""llama.cpp's own limits on layers and experts, which it asserts."""


class Config:
    """Reads values by name. Several names are aliases: the first that is there and not null counts.

    Every getter raises DataCorrupted for a value of the wrong type or out of range, or missing without a default.
    """

    def __init__(self, values: Mapping[str, Any], *, where: str = "config.json") -> None:
        self._values = values
        self._where = where

    def get(self, *names: str) -> Any:
        """The value as JSON gave it; None when none of the names is there."""
        return next((self._values[name] for name in names if self._values.get(name) is not None), None)

    def count(self, *names: str, default: int | None = None, least: int = 1, most: int = MAX_SIZE) -> int:
        """A whole number of things."""
        value = self._found(names, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._wrong(names, value, f"a whole number from {least} to {most}")
        return value

    def number(self, *names: str, default: float | None = None, most: float = MAX_NUMBER) -> float:
        """A number above 0: an epsilon, a frequency base, a multiplier."""
        value = self._found(names, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= most:
            raise self._wrong(names, value, "a number above 0" + (f", at most {most:g}" if most < MAX_NUMBER else ""))
        return float(value)

    def flag(self, *names: str, default: bool | None = None) -> bool:
        value = self._found(names, default)
        if not isinstance(value, bool):
            raise self._wrong(names, value, "true or false")
        return value

    def numbers(self, *names: str, length: int) -> list[float]:
        """A list of ``length`` finite numbers above 0."""
        value = self._found(names, None)
        if not isinstance(value, list) or len(value) != length:
            raise self._wrong(names, value, f"a list of {length} numbers")
        return [Config({name: entry}, where=self._where).number(name) for name in names[:1] for entry in value]

    def words(self, *names: str) -> list[str] | None:
        """A list of strings; None when it is not there."""
        value = self.get(*names)
        if value is not None and not (isinstance(value, list) and all(isinstance(word, str) for word in value)):
            raise self._wrong(names, value, "a list of strings")
        return value

    def expect_length(self, name: str, length: int) -> None:
        """Raises DataCorrupted unless the list ``name`` has ``length`` entries."""
        if len(self._values[name]) != length:
            raise DataCorrupted(f"{self._where}: {name} has {len(self._values[name])} entries; it must have {length}")

    def section(self, *names: str) -> Config | None:
        """A nested object; None when it is not there."""
        value = self.get(*names)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self._wrong(names, value, "an object")
        return Config(value, where=f"{self._where}: {names[0]}")

    def over(self, defaults: Mapping[str, Any]) -> Config:
        """The same config, with ``defaults`` for what it does not say."""
        said = {name: value for name, value in self._values.items() if value is not None}
        return Config({**defaults, **said}, where=self._where)

    def expect(self, name: str, *allowed: Any) -> None:
        """Refuse what llama.cpp computes otherwise: raises Unsupported unless ``name`` is ``allowed`` or not there."""
        value = self.get(name)
        if value is not None and value not in allowed:
            shown = " or ".join(repr(one) for one in allowed) if allowed else "left out"
            raise Unsupported(f"{self._where}: {name} is {_shown(value)}; this architecture is computed with {shown}")

    def _found(self, names: Sequence[str], default: Any) -> Any:
        value = self.get(*names)
        if value is None and default is None:
            raise DataCorrupted(f"{self._where} has no {' or '.join(names)}")
        return default if value is None else value

    def _wrong(self, names: Sequence[str], value: Any, wanted: str) -> DataCorrupted:
        name = next((name for name in names if self._values.get(name) is not None), names[0])
        return DataCorrupted(f"{self._where}: {name} is {_shown(value)}; it must be {wanted}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
