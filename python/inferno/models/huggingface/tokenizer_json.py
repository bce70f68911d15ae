"""``tokenizer.json``, the file of the ``tokenizers`` library: what it says about each token. Format: its own serde."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inferno.errors import DataCorrupted, Unsupported
from inferno.models.huggingface.json_file import expected_form, read_object
from inferno.models.huggingface.pieces import Pieces, VocabKind
from inferno.models.huggingface.special_tokens import AddedToken, SpecialTokens, added_token

NAME = "tokenizer.json"
KNOWN = "byte-level BPE, SentencePiece BPE, Unigram, WordPiece"
SPACE = "▁"
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
# llama.cpp's names for the commonest rules that split words, by what their pattern begins with.
_PRE_TOKENIZERS = {
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|": "llama-bpe",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|": "qwen2",
}


@dataclass(frozen=True, slots=True)
class TokenizerJson:
    """The file's content, ``spec``; the tokens of its model, and those added, completed from the folder's other files,
    both by id."""

    spec: Mapping[str, Any]
    modelled: Mapping[int, str]
    added: Mapping[int, AddedToken]

    def pieces(self) -> Pieces:
        """Raises Unsupported for a kind that is not known, DataCorrupted for what contradicts itself."""
        with expected_form(NAME):
            return self._pieces()

    def _pieces(self) -> Pieces:
        kind = self._kind()
        texts = {**self.modelled, **{index: token.text for index, token in self.added.items()}}
        ids = {text: index for index, text in texts.items()}
        before, behind = _template(self.spec.get("post_processor"), ids)
        falls_back = any(step.get("type") == "ByteFallback" for step in _steps(self.spec.get("decoder")))
        byte_ids = {index for index, text in texts.items() if falls_back and _BYTE.fullmatch(text)}
        merges = tuple(_merges(self.spec["model"])) if kind in {"gpt2", "llama"} else ()
        unknown = self.unknown()
        return Pieces(
            kind=kind,
            texts=texts,
            special=frozenset(index for index, token in self.added.items() if token.special),
            added=frozenset(self.added),
            bytes=frozenset(byte_ids),
            scores=_scores(self.spec["model"], kind, merges, ids),
            merges=merges if kind == "gpt2" else (),
            roles={} if unknown is None else {"unk": unknown},
            before=before,
            behind=behind,
            space_prefix=_drops_space(self.spec.get("decoder")),
            pre=_pre_tokenizer(self.spec.get("pre_tokenizer")),
        )

    def _kind(self) -> VocabKind:
        model = self.spec["model"].get("type")
        decoders = {step.get("type") for step in _steps(self.spec.get("decoder"))}
        if model == "Unigram":
            return "t5"
        if model == "WordPiece" and self.spec["model"].get("continuing_subword_prefix", "##") == "##":
            return "bert"
        # Marks within words are no token's bytes, and with them the library ends the process on letters of two bytes.
        marked = self.spec["model"].get("continuing_subword_prefix") or self.spec["model"].get("end_of_word_suffix")
        if model == "BPE" and "ByteLevel" in decoders and not marked:
            return "gpt2"
        if model == "BPE" and decoders & {"Replace", "Metaspace"} and not marked:
            return "llama"
        marks = " with marks within words" if marked else ""
        shown = f"{model}{marks} with {', '.join(sorted(map(str, decoders))) or 'no'} decoder"
        raise Unsupported(f"{NAME} is of a kind that is not known ({shown}); known: {KNOWN}")

    def unknown(self) -> int | None:
        """The id of what stands for text that no token covers."""
        model = self.spec["model"]
        if isinstance(model.get("unk_id"), int):
            return int(model["unk_id"])
        vocab = model.get("vocab")
        return vocab.get(model.get("unk_token") or "") if isinstance(vocab, Mapping) else None


def read_tokenizer_json(folder: Path, special: SpecialTokens) -> TokenizerJson | None:
    """None when the folder has none. Raises DataCorrupted."""
    spec = read_object(folder, NAME)
    if spec is None:
        return None
    if not isinstance(spec.get("model"), dict):
        raise DataCorrupted(f"{NAME} has no 'model'")
    with expected_form(NAME):
        modelled = _model_texts(spec["model"])
        return TokenizerJson(spec, modelled, _added(spec, special, modelled))


def _added(spec: Mapping[str, Any], special: SpecialTokens, modelled: Mapping[int, str]) -> dict[int, AddedToken]:
    added = dict(special.added)
    for entry in spec.get("added_tokens") or []:
        token = added_token(entry, where=f"{NAME}: added_tokens")
        if not isinstance(entry.get("id"), int) or entry["id"] < 0:
            raise DataCorrupted(f"{NAME}: added_tokens has an entry without an id")
        is_special = special.is_special(token.text, flagged=token.special)
        added[entry["id"]] = AddedToken(token.text, is_special, token.lstrip, token.rstrip)
    for index, text in modelled.items():
        if text in special.texts:
            added.setdefault(index, AddedToken(text, special=True))
    return added


def _steps(part: Any) -> Iterator[Mapping[str, Any]]:
    """A decoder, normalizer or pre-tokenizer, or the parts of one that is a sequence, in order."""
    if not isinstance(part, Mapping):
        return
    if part.get("type") != "Sequence":
        yield part
        return
    for key in ("decoders", "normalizers", "pretokenizers", "processors"):
        for step in part.get(key) or []:
            yield from _steps(step)


def _model_texts(model: Mapping[str, Any]) -> dict[int, str]:
    vocab = model.get("vocab")
    if isinstance(vocab, Mapping):
        ids, texts = list(vocab.values()), list(vocab)
    elif isinstance(vocab, list):
        listed = [(index, entry[0]) for index, entry in enumerate(vocab) if isinstance(entry, list) and entry]
        ids, texts = [index for index, _ in listed], [text for _, text in listed]
    else:
        raise DataCorrupted(f"{NAME}: the model has no vocabulary")
    if {*map(type, ids)} - {int} or {*map(type, texts)} - {str} or min(ids, default=0) < 0:
        raise DataCorrupted(f"{NAME}: the vocabulary has an entry that is no token with an id")
    by_id = dict(zip(ids, texts, strict=True))
    if len(by_id) != len(ids):
        raise DataCorrupted(f"{NAME}: two tokens of the vocabulary have the same id")
    return by_id


def _merges(model: Mapping[str, Any]) -> Iterator[str]:
    for merge in model.get("merges") or []:
        # Newer files write pairs, so that a part may have a blank in it; GGUF joins the two by one.
        pair = merge if isinstance(merge, list) else str(merge).split(" ", 1)
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise DataCorrupted(f"{NAME}: a merge is not two tokens")
        yield " ".join(pair)


def _scores(model: Mapping[str, Any], kind: str, merges: tuple[str, ...], ids: Mapping[str, int]) -> dict[int, float]:
    if kind == "t5":
        return {index: float(entry[1]) for index, entry in enumerate(model["vocab"])}
    if kind != "llama":
        return {}
    # llama.cpp merges the pair of the highest score first; the file has them in order.
    scores: dict[int, float] = {}
    for rank, merge in enumerate(merges):
        index = ids.get(merge.replace(" ", "", 1))
        if index is not None:
            scores.setdefault(index, -float(rank))
    return scores


def _template(processor: Any, ids: Mapping[str, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the post-processor writes before and behind a text."""
    before: list[int] = []
    behind: list[int] = []
    for step in _steps(processor):
        if step.get("type") in {"BertProcessing", "RobertaProcessing"}:
            before.append(int(step["cls"][1]))
            behind.append(int(step["sep"][1]))
        if step.get("type") != "TemplateProcessing":
            continue
        side = before
        for item in step.get("single") or []:
            if "Sequence" in item:
                side = behind
                continue
            text = item.get("SpecialToken", {}).get("id")
            if text not in ids:
                raise DataCorrupted(f"{NAME}: the post-processor writes {text!r}, which is no token")
            side.append(ids[text])
    return tuple(before), tuple(behind)


def _drops_space(decoder: Any) -> bool:
    for step in _steps(decoder):
        if step.get("type") == "Metaspace":
            # Older files say it with add_prefix_space.
            return step.get("prepend_scheme", "always") != "never" and step.get("add_prefix_space", True) is not False
        if step.get("type") == "Strip" and step.get("content") == " " and step.get("start", 0) > 0:
            return True
    return False


def _pre_tokenizer(part: Any) -> str:
    for step in _steps(part):
        pattern = step.get("pattern")
        regex = pattern.get("Regex") if isinstance(pattern, Mapping) else None
        for start, name in _PRE_TOKENIZERS.items():
            if isinstance(regex, str) and regex.startswith(start):
                return name
        if step.get("type") == "ByteLevel" and step.get("use_regex", True):
            return "gpt-2"
    return "default"
