"""Which tensor of the folder becomes which tensor of the GGUF, and how: names and shapes only, never the weights.

The only elements read here are those of a few vectors (:meth:`WeightPlan.take_vector`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from inferno.errors import DataCorrupted, Unsupported

if TYPE_CHECKING:
    import gguf

SUFFIXES = (".weight", ".bias")


@dataclass(frozen=True, slots=True)
class Found:
    """A tensor in the folder. ``shape`` is in PyTorch's order: the innermost dimension last."""

    shape: tuple[int, ...]
    dtype: str
    """As SafeTensors writes it: "BF16"."""


@dataclass(frozen=True, slots=True)
class Source:
    """One tensor of the folder, seen as rows; transposed first, then ``rows`` picked, all if empty."""

    name: str
    transpose: bool = False
    rows: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A tensor to be written. ``shape`` is in GGUF's order: the innermost dimension first."""

    name: str
    shape: tuple[int, ...]
    sources: tuple[Source, ...] = ()
    add: float = 0.0
    values: tuple[float, ...] = ()
    """In place of sources."""
    dtype: str = "F32"
    """Of the sources."""


class WeightPlan:
    """What an architecture fills in: take each tensor once, by name; what is left at the end is an error."""

    def __init__(
        self,
        found: Mapping[str, Found],
        names: gguf.TensorNameMap,
        read: Callable[[str], list[float]],
    ) -> None:
        """``names`` maps Hugging Face names to GGUF names; ``read`` gives the elements of a small tensor."""
        self._found = dict(found)
        self._left = dict.fromkeys(found)
        self._aliases: dict[str, str] = {}
        """Names as they are called here -> as the folder calls them, where that is another."""
        self._names = names
        self._read = read
        self.planned: list[Planned] = []

    def left(self) -> list[str]:
        """Names of the tensors not taken or dropped yet."""
        return list(self._left)

    def has(self, name: str) -> bool:
        return name in self._left

    def shape(self, name: str) -> tuple[int, ...]:
        """PyTorch's shape. Raises DataCorrupted when there is no such tensor."""
        if name not in self._found:
            raise DataCorrupted(f"the weights have no tensor {name}")
        return self._found[name].shape

    def drop(self, unwanted: Callable[[str], bool]) -> None:
        """Leave out what no computation uses (stored masks, say)."""
        for name in filter(unwanted, self.left()):
            del self._left[name]

    def rename(self, new_name: Callable[[str], str]) -> None:
        """Call tensors otherwise from here on, before any is taken: for folders that leave a prefix out."""
        self._aliases = {new_name(name): name for name in self._left}
        self._found = {new_name(name): found for name, found in self._found.items()}
        self._left = dict.fromkeys(self._aliases)

    def take(
        self,
        name: str,
        *,
        target: str | None = None,
        rows: Sequence[int] = (),
        transpose: bool = False,
        add: float = 0.0,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        """One tensor becomes one. ``target`` is by default the GGUF name that the name map has for ``name``;
        ``shape`` (GGUF's order) by default follows from what is done."""
        source, dtype = self._source(name, transpose=transpose, rows=rows)
        own = self.shape(name)
        if transpose:
            own = (*own[:-2], own[-1], own[-2])
        if len(rows):
            own = (len(rows), own[-1])
        self._add(Planned(target or self.target(name), shape or own[::-1], (source,), add=add, dtype=dtype))

    def take_vector(self, name: str, order: Sequence[int]) -> None:
        """A vector with its elements in another order (element i of the result is ``order[i]`` of the source)."""
        if prod(self.shape(name)) != len(order):
            raise DataCorrupted(f"{name} has {prod(self.shape(name))} elements; the config says {len(order)}")
        self._source(name)
        values = self._read(self._aliases.get(name, name))
        self._add(Planned(self.target(name), (len(order),), values=tuple(values[i] for i in order)))

    def stack(self, names: Sequence[str], target: str) -> None:
        """Tensors of one shape, one after the other along a new outermost dimension: experts, heads."""
        shapes = {self.shape(name) for name in names}
        if len(shapes) != 1:
            raise DataCorrupted(f"{names[0]} and its like have different shapes, which cannot be stacked")
        taken = [self._source(name) for name in names]
        sources = tuple(source for source, _ in taken)
        self._add(Planned(target, (*shapes.pop()[::-1], len(names)), sources, dtype=taken[0][1]))

    def copy(self, name: str, target: str) -> None:
        """A tensor once more under a second name: tied embeddings, where the GGUF wants both."""
        shape = self.shape(name)[::-1]
        dtype = self._found[name].dtype
        self._add(Planned(target, shape, (Source(self._aliases.get(name, name)),), dtype=dtype))

    def add_values(self, target: str, values: Iterable[float]) -> None:
        """A vector that no shard holds: rope factors."""
        elements = tuple(values)
        self._add(Planned(target, (len(elements),), values=elements))

    def take_rest(self, *, add: Callable[[str], float] = lambda name: 0.0) -> None:
        """All that is left, each as it is (plus ``add`` of its name). Raises Unsupported for a name nobody knows."""
        for name in self.left():
            self.take(name, add=add(name))

    def target(self, name: str) -> str:
        """The GGUF name. Raises Unsupported when this architecture has none for it."""
        mapped = self._names.get_name(name, try_suffixes=SUFFIXES)
        if mapped is None:
            raise Unsupported(f"the weights have a tensor {name}, for which this architecture has no place")
        return str(mapped)

    def finish(self, needed: Iterable[str] = ()) -> list[Planned]:
        """The whole plan, which must write the tensors ``needed`` (GGUF's names).

        Raises Unsupported for tensors left over, DataCorrupted for one written twice, one that is needed and not there,
        and one that only some layers have.
        """
        if self._left:
            left = next(iter(self._left))
            raise Unsupported(f"the weights have a tensor {left}, which this architecture does not use")
        seen: set[str] = set()
        for planned in self.planned:
            if planned.name in seen:
                raise DataCorrupted(f"two tensors of the folder would both become {planned.name}")
            seen.add(planned.name)
        for name in needed:
            if name not in seen:
                raise DataCorrupted(f"the weights have no tensor that would become {name}, which the model needs")
        self._check_layers(seen)
        return self.planned

    @staticmethod
    def _check_layers(written: set[str]) -> None:
        parts: dict[str, set[str]] = {}
        for name in written:
            if name.startswith("blk."):
                _, layer, part = name.split(".", 2)
                parts.setdefault(layer, set()).add(part)
        every = set().union(*parts.values())
        for layer, there in parts.items():
            if lacking := sorted(every - there):
                raise DataCorrupted(f"layer {layer} has no tensor that would become {lacking[0]}; other layers have")

    def _source(self, name: str, *, transpose: bool = False, rows: Sequence[int] = ()) -> tuple[Source, str]:
        if name not in self._left:
            raise DataCorrupted(f"the weights have no tensor {name}")
        del self._left[name]
        return Source(self._aliases.get(name, name), transpose, rows), self._found[name].dtype

    def _add(self, planned: Planned) -> None:
        self.planned.append(planned)
