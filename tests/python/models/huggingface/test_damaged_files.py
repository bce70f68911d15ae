"""Tokenizer files of strangers: whatever stands in them, a folder is read or refused in words."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tokenizers")

from inferno.errors import InfernoError
from inferno.models.huggingface.extras import read_extras
from inferno.models.huggingface.vocab import read_vocabulary
from models.huggingface import families

WRONG = (
    None,
    True,
    -1,
    0,
    5,
    10**30,
    1.5,
    "",
    "x",
    "\0",
    "\ud800",
    [],
    {},
    [[]],
    [None],
    {"type": "x"},
    {"content": 5},
)
FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json", "modules.json")
ROUNDS = 400


def damaged(value: Any, chance: random.Random) -> Any:
    """A copy with one place, anywhere in it, replaced by something else or left out."""
    copied = copy.deepcopy(value)
    here = copied
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = chance.choice(keys)
        inner = here[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            here = inner
        elif chance.random() < 0.15:
            del here[key]
            return copied
        else:
            here[key] = chance.choice(WRONG)
            return copied


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_bytes_of_a_sentencepiece_model(kind: str, tmp_path: Path) -> None:
    folder = families.sentencepiece_model(tmp_path, kind)
    whole = (folder / "tokenizer.model").read_bytes()
    read(folder)
    chance = random.Random(5)
    refusals = []
    for _ in range(ROUNDS // 2):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        if chance.random() < 0.2:
            content = content[: chance.randrange(len(content))]
        (folder / "tokenizer.model").write_bytes(content)
        try:
            read(folder)
        except InfernoError as error:
            refusals.append(error.message)
    assert len(refusals) > ROUNDS / 20
    assert all(refusals)


def read(folder: Path) -> None:
    read_vocabulary(folder, size=1200)
    encoder = read_extras(folder).encoder
    assert encoder is not None
    encoder.encode(["hello <s> über 東京", 3, "  it's"])


@pytest.mark.parametrize(
    "family", [families.byte_level, families.sentencepiece_bpe_json, families.unigram_json, families.word_piece]
)
def test_one_wrong_value_anywhere(family: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = family(tmp_path)
    (folder / "special_tokens_map.json").write_text(json.dumps({"bos_token": {"content": "<s>"}, "eos_token": "</s>"}))
    (folder / "generation_config.json").write_text(json.dumps({"temperature": 0.5, "top_k": 5, "eos_token_id": [1]}))
    (folder / "modules.json").write_text(json.dumps([{"type": "a.Transformer", "path": ""}, {"type": "a.Normalize"}]))
    whole = {name: json.loads((folder / name).read_text()) for name in FILES}
    read(folder)
    chance = random.Random(11)
    refusals = []
    for _ in range(ROUNDS):
        name = chance.choice(FILES[:1] * 6 + FILES)
        (folder / name).write_text(json.dumps(damaged(whole[name], chance)))
        try:
            read(folder)
        except InfernoError as error:
            refusals.append(error.message)
        (folder / name).write_text(json.dumps(whole[name]))
    assert len(refusals) > ROUNDS / 20
    assert all(refusals)
