"""What a folder's tokenizer puts between two texts that are read together: in tokenizer.json, its post-processor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inferno.models.huggingface import tokenizer_json
from inferno.models.huggingface.json_file import expected_form, read_object


def read_between(folder: Path) -> tuple[int, ...] | None:
    """Token ids; None where the folder does not say. Raises DataCorrupted for a file that is not what it should be."""
    with expected_form(tokenizer_json.NAME):
        spec = read_object(folder, tokenizer_json.NAME) or {}
        return _between(spec.get("post_processor"))


def _between(processor: Any) -> tuple[int, ...] | None:
    if not isinstance(processor, Mapping):
        return None
    kind = processor.get("type")
    if kind == "Sequence":
        found = [_between(step) for step in processor["processors"]]
        return next((ids for ids in found if ids is not None), None)
    if kind == "BertProcessing":
        return (int(processor["sep"][1]),)
    if kind == "RobertaProcessing":
        return (int(processor["sep"][1]),) * 2
    return _of_template(processor["pair"], processor["special_tokens"]) if kind == "TemplateProcessing" else None


def _of_template(pair: Sequence[Mapping[str, Any]], specials: Mapping[str, Any]) -> tuple[int, ...]:
    places = [number for number, piece in enumerate(pair) if "Sequence" in piece]
    between = pair[places[0] + 1 : places[1]]
    return tuple(int(index) for piece in between for index in specials[piece["SpecialToken"]["id"]]["ids"])
