"""Hides a tokenizer's special tokens from text, so that no text can spell them.

The library's own switch (``encode_special_tokens``) only stops it from looking for them beforehand: a Unigram model,
whose vocabulary holds them with the rest, and BPE merges that happen to make one, find them all the same. So here they
get names that nobody can know; their ids stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inferno.models.huggingface.tokenizer_json import TokenizerJson


def without_special(tokenizer: TokenizerJson, secret: str) -> dict[str, Any]:
    """A copy of the spec in which special tokens have names that begin with ``secret``."""
    model = dict(tokenizer.spec["model"])
    prefix = f"\ufdd0{secret}"
    names = {token.text: prefix + token.text for token in tokenizer.added.values() if token.special}
    if isinstance(model.get("unk_token"), str):
        model["unk_token"] = names.get(model["unk_token"], model["unk_token"])
    if isinstance(model.get("vocab"), list):
        model["vocab"] = [[names.get(text, text), score] for text, score in model["vocab"]]
    else:
        model["vocab"] = {names.get(text, text): index for text, index in model["vocab"].items()}
    if model.get("merges"):
        model["merges"] = [merge for merge in model["merges"] if not _touches(merge, names)]
    return {
        **tokenizer.spec,
        "model": model,
        "added_tokens": _added_tokens(tokenizer, names),
        # It would look for special tokens by name; what goes around a text is put there by the engine.
        "post_processor": None,
    }


def _added_tokens(tokenizer: TokenizerJson, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """All of them, in the order of their ids, from which the library counts those that the model does not have."""
    given = {entry["id"]: entry for entry in tokenizer.spec.get("added_tokens") or []}
    entries = []
    for index, token in sorted(tokenizer.added.items()):
        flags = {"single_word": False, "lstrip": token.lstrip, "rstrip": token.rstrip, "normalized": False}
        entry = {**flags, **given.get(index, {}), "id": index, "content": names.get(token.text, token.text)}
        entries.append({**entry, "special": token.special})
    return entries


def _touches(merge: Any, names: Mapping[str, str]) -> bool:
    pair = merge if isinstance(merge, list) else str(merge).split(" ", 1)
    return "".join(pair) in names or any(part in names for part in pair)
