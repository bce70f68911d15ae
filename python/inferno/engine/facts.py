"""What stands beside a model's file, for formats whose file says nothing but how to compute, as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inferno.engine.core import _core, native_call
from inferno.engine.onnxruntime import backend_of


@dataclass(frozen=True, slots=True)
class TokenTable:
    """A vocabulary as output needs it; texts are encoded by the folder's own library."""

    pieces: list[bytes]
    """What each token stands for, by id; nothing for special and unused ones."""
    special: list[tuple[int, str]]
    ends: list[int]
    """Tokens that end a text."""
    bos: int = -1
    eos: int = -1
    closing: int = -1
    """What every whole text has behind it, if anything; ids are -1 where there is none."""
    adds_bos: bool = False
    strips_leading_space: bool = False


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """``trained_context`` is in tokens, ``head_size`` in numbers of a head's key; both 0 where no file says them."""

    architecture: str
    name: str
    trained_context: int
    tokens: TokenTable
    head_size: int = 0

    def native(self) -> _core.ModelCard:
        tokens = self.tokens
        return _core.ModelCard(
            architecture=self.architecture,
            name=self.name,
            trained_context=self.trained_context,
            head_size=self.head_size,
            pieces=tokens.pieces,
            special=tokens.special,
            ends=tokens.ends,
            bos=tokens.bos,
            eos=tokens.eos,
            closing=tokens.closing,
            adds_bos=tokens.adds_bos,
            strips_leading_space=tokens.strips_leading_space,
        )


def open_model(
    path: str, options: _core.ModelOptions, progress: Callable[[float], bool], facts: ModelFacts | None
) -> tuple[_core.Model, str]:
    """The loaded model and the name of its backend. Blocks. Raises the InfernoError that says why it cannot be."""
    backend = backend_of(path)
    card = None if facts is None else facts.native()
    return native_call(_core.Model.load, path, options, progress, card), backend
