"""One model may lie in a folder in several forms: as SafeTensors, as a GGUF file, as an ONNX graph. Which one is taken.

By what is here and what it can do: a form is passed over where its backend is missing, where it is damaged, or where it
cannot do what the settings ask for. Of the others, the one with the most abilities is taken, and among equals the one
with the fewest bytes of weights: each token that is decoded reads them all once, so it is expected to be the fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from inferno.engine.abilities import GENERATING, SCORING, backend_abilities
from inferno.errors import InfernoError, InvalidArgument, Unsupported
from inferno.models.model_source import ModelSource

_OF_KIND = {"decoder": GENERATING, "encoder": ("embed",), "classifier": SCORING, "graph": ("infer",)}
"""What graphs can be for, by ``GraphFile.kind``."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the settings ask of a form. ``backend_options`` are by full name, ``abilities`` words of
    ``engine/abilities.py``."""

    backend: str | None = None
    quantize: str | None = None
    backend_options: Mapping[str, str] = field(default_factory=dict)
    abilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """``found`` is what it leads to, or why it leads to nothing."""

    backend: str
    found: ModelSource | InfernoError


def read_form(backend: str, find: Callable[[], ModelSource]) -> Form:
    try:
        return Form(backend, find())
    except InfernoError as error:
        return Form(backend, error)


def choose(forms: Sequence[Form], wishes: Wishes, *, shown: str, missing: Callable[[str], str | None]) -> ModelSource:
    """The best of ``forms``, at least one, with the reasons against the others (``ModelSource.others``). ``missing``
    says why a backend is not here, and is asked only of those that would else be taken.

    Raises what is wrong with the only one, and Unsupported with all reasons where none of several can be taken.
    """
    if wishes.backend is not None:
        named = [form for form in forms if form.backend == wishes.backend]
        if not named:
            here = ", ".join(form.backend for form in forms)
            raise InvalidArgument(f"{shown} has no form for the backend {wishes.backend}; for {here}", param="backend")
        forms = named
    if len(forms) == 1:
        if isinstance(forms[0].found, InfernoError):
            raise forms[0].found
        return forms[0].found
    against: dict[str, str] = {}
    fit: list[ModelSource] = []
    for form in forms:
        why = form.found.message if isinstance(form.found, InfernoError) else _unfit(form.found, wishes)
        if why is not None:
            against[form.backend] = why
        elif not isinstance(form.found, InfernoError):
            fit.append(form.found)
    kind = _kind(fit)
    fit.sort(key=lambda source: (-len(_abilities(source, kind)), source.size_bytes or 0))
    for place, source in enumerate(fit):
        why = missing(source.backend)
        if why is None:
            against |= {other.backend: _worse(other, source, kind) for other in fit[place + 1 :]}
            return replace(source, others=against)
        against[source.backend] = why
    reasons = "; ".join(f"{backend}: {why}" for backend, why in against.items())
    raise Unsupported(f"{shown}: no form of the model can be served here. {reasons}")


def _unfit(source: ModelSource, wishes: Wishes) -> str | None:
    if wishes.quantize is not None and source.folder is None:
        return "quantize is for SafeTensors; other files are served in the format they have"
    for name in wishes.backend_options:
        if name.partition(".")[0] not in (source.backend, source.computed_by):
            return f"{name} is an option of another backend"
    if lacking := [one for one in wishes.abilities if one not in backend_abilities()[source.backend]]:
        return f"the settings ask for {', '.join(lacking)}, which it cannot do"
    try:
        _look_into(source)
    except InfernoError as error:
        return error.message
    return None


def _look_into(source: ModelSource) -> None:
    """What is told by headers alone; an ONNX file's was read already. Raises why the form cannot be served."""
    if source.folder is not None:
        from inferno.models.huggingface.architectures import find_architecture  # late: most starts need none of them

        find_architecture(source.folder.config)
    elif source.graph is None:
        from inferno.models.inspection import read_tensors

        read_tensors([Path(source.path)], {})


def _kind(sources: Sequence[ModelSource]) -> str:
    """Of the model, as far as a graph among its forms tells."""
    return next((source.graph.kind for source in sources if source.graph is not None and _reads(source)), "decoder")


def _reads(source: ModelSource) -> bool:
    from inferno.models.onnx.encoders import reads_texts

    return source.graph is not None and reads_texts(source.graph)


def _abilities(source: ModelSource, kind: str) -> list[str]:
    if source.graph is not None and not _reads(source):
        kind = "graph"
    return [name for name in _OF_KIND[kind] if name in backend_abilities()[source.backend]]


def _worse(other: ModelSource, taken: ModelSource, kind: str) -> str:
    has = _abilities(other, kind)
    if lacking := [name for name in _abilities(taken, kind) if name not in has]:
        return f"it cannot do {', '.join(lacking)}"
    return f"{(other.size_bytes or 0) / 1e6:.1f} MB of weights against {(taken.size_bytes or 0) / 1e6:.1f} MB"
