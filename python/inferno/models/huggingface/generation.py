"""generation_config.json: how the folder's authors want tokens to be chosen where a request does not say.

Read as transformers means it: ``do_sample: false`` is greedy, whatever temperature stands beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inferno.engine.extras import GenerationDefaults
from inferno.errors import DataCorrupted
from inferno.models.huggingface.eos import eos_ids
from inferno.models.huggingface.json_file import expected_form, read_object

NAME = "generation_config.json"
_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "typical_p", "repetition_penalty")
_NEUTRAL: Mapping[str, Any] = {
    "num_beams": 1,
    "no_repeat_ngram_size": 0,
    "penalty_alpha": 0,
    "encoder_repetition_penalty": 1.0,
    "epsilon_cutoff": 0,
    "eta_cutoff": 0,
    "min_length": 0,
    "min_new_tokens": 0,
    "bad_words_ids": None,
    "suppress_tokens": None,
}
"""What would change the text and cannot be honoured here, with the values that ask for nothing."""

logger = logging.getLogger(__name__)


def read_generation_defaults(folder: Path, *, sampling: bool = True) -> GenerationDefaults:
    """The folder's defaults; with ``sampling`` False only the tokens that end a text, which are not a matter of taste.

    Raises DataCorrupted for values of the wrong type; their ranges are checked by the engine with each request.
    """
    with expected_form(NAME):
        return _read(folder, sampling)


def _read(folder: Path, sampling: bool) -> GenerationDefaults:
    ends = eos_ids(folder)
    config = read_object(folder, NAME) if sampling else None
    if config is None:
        return GenerationDefaults(eos_token_ids=ends)
    most = read_count(config, "max_new_tokens", where=NAME)
    return GenerationDefaults(read_sampling(config, where=NAME), most, eos_token_ids=ends)


def read_sampling(config: Mapping[str, Any], *, where: str) -> dict[str, float]:
    """Fields of SamplingOptions, of an object that names them as transformers does in the file ``where``. What cannot
    be honoured is logged. Raises DataCorrupted."""
    if refused := [name for name, neutral in _NEUTRAL.items() if config.get(name) not in (None, neutral)]:
        logger.warning("%s asks for %s, which this server does not do", where, ", ".join(refused))
    values = {name: value for name in _SAMPLING if (value := _number(config, name, where)) is not None}
    if config.get("do_sample") is False:
        return {name: value for name, value in values.items() if name == "repetition_penalty"} | {"temperature": 0.0}
    return values


def read_count(config: Mapping[str, Any], name: str, *, where: str) -> int | None:
    """A whole number from 1 on, None where it is not said. Raises DataCorrupted."""
    value = _number(config, name, where)
    if value is not None and (value < 1 or value != int(value)):
        raise DataCorrupted(f"{where}: {name} is {value}; it must be a whole number from 1 on")
    return None if value is None else int(value)


def _number(config: Mapping[str, Any], name: str, where: str) -> float | None:
    value = config.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataCorrupted(f"{where}: {name} is {str(value)[:40]!r}; it must be a number")
    if name == "top_k" and value != int(value):
        raise DataCorrupted(f"{where}: top_k is {value}; it must be a whole number")
    return int(value) if name == "top_k" else value
