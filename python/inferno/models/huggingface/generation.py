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
    if refused := [name for name, neutral in _NEUTRAL.items() if config.get(name) not in (None, neutral)]:
        logger.warning("%s asks for %s, which this server does not do", NAME, ", ".join(refused))
    values = {name: value for name in _SAMPLING if (value := _number(config, name)) is not None}
    if config.get("do_sample") is False:
        values = {name: value for name, value in values.items() if name == "repetition_penalty"} | {"temperature": 0.0}
    most = _number(config, "max_new_tokens")
    if most is not None and (most < 1 or most != int(most)):
        raise DataCorrupted(f"{NAME}: max_new_tokens is {most}; it must be a whole number from 1 on")
    return GenerationDefaults(values, None if most is None else int(most), ends)


def _number(config: Mapping[str, Any], name: str) -> float | None:
    value = config.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataCorrupted(f"{NAME}: {name} is {str(value)[:40]!r}; it must be a number")
    if name == "top_k" and value != int(value):
        raise DataCorrupted(f"{NAME}: top_k is {value}; it must be a whole number")
    return int(value) if name == "top_k" else value
