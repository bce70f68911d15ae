"""``tokenizer.model``, SentencePiece's own file. Format: sentencepiece_model.proto, read by that library's classes."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from inferno.errors import DataCorrupted, Unsupported
from inferno.models.huggingface.json_file import read_bytes
from inferno.models.huggingface.pieces import Pieces, VocabKind
from inferno.models.huggingface.special_tokens import SpecialTokens

NAME = "tokenizer.model"
# Of sentencepiece_model.proto: ModelProto.SentencePiece.Type and TrainerSpec.ModelType.
_UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE = 2, 3, 4, 5, 6
_KINDS: dict[int, VocabKind] = {1: "t5", 2: "llama"}
_ADDS_BOS = ("Llama", "Gemma", "CodeLlama")
"""Classes of transformers that put BOS first where tokenizer_config.json does not say."""


def read_model(folder: Path) -> bytes | None:
    """The file, or None when the folder has none. Raises DataCorrupted beyond the size limit."""
    return read_bytes(folder, NAME)


def sentencepiece_pieces(content: bytes, special: SpecialTokens) -> Pieces:
    """Raises Unsupported (also when the library is not installed) and DataCorrupted."""
    proto = _parse(content)
    kind = _KINDS.get(proto.trainer_spec.model_type)
    if kind is None or proto.trainer_spec.treat_whitespace_as_suffix:
        raise Unsupported(f"{NAME} is neither a BPE nor a unigram model with spaces before words, the known kinds")
    texts = {index: piece.piece for index, piece in enumerate(proto.pieces)}
    texts |= {index: token.text for index, token in special.added.items()}
    kinds = {index: piece.type for index, piece in enumerate(proto.pieces)}
    of_kind = {wanted: {i for i, found in kinds.items() if found == wanted} for wanted in set(kinds.values())}
    named = {i for i, text in texts.items() if text in special.texts} | {
        i for i, token in special.added.items() if token.special
    }
    roles = dict(_ids(proto))
    return Pieces(
        kind=kind,
        texts=texts,
        special=frozenset(named | of_kind.get(_CONTROL, set()) | of_kind.get(_UNKNOWN, set())),
        added=frozenset(special.added) | of_kind.get(_USER_DEFINED, set()),
        bytes=frozenset(of_kind.get(_BYTE, set()) - set(special.added)),
        scores={index: piece.score for index, piece in enumerate(proto.pieces)},
        roles=roles,
        before=(roles["bos"],) if "bos" in roles and _adds_bos(special) else (),
        behind=(roles["eos"],) if "eos" in roles and special.config.get("add_eos_token") else (),
        space_prefix=proto.normalizer_spec.add_dummy_prefix,
    )


def _adds_bos(special: SpecialTokens) -> bool:
    said = special.config.get("add_bos_token")
    return bool(said) if said is not None else str(special.config.get("tokenizer_class", "")).startswith(_ADDS_BOS)


def _ids(proto: Any) -> list[tuple[str, int]]:
    spec = proto.trainer_spec
    ids = (("bos", spec.bos_id), ("eos", spec.eos_id), ("unk", spec.unk_id), ("pad", spec.pad_id))
    return [(role, index) for role, index in ids if 0 <= index < len(proto.pieces)]


def _parse(content: bytes) -> Any:
    try:
        classes: Any = importlib.import_module("sentencepiece.sentencepiece_model_pb2")
    except ImportError as error:
        why = f"{NAME} needs a package that is not installed ({error.name}): pip install 'inferno[hf]'"
        raise Unsupported(why) from None
    proto = classes.ModelProto()
    try:
        proto.ParseFromString(content)
    except Exception as error:  # DecodeError, of a package without type hints
        raise DataCorrupted(f"{NAME} is not a SentencePiece model ({type(error).__name__})") from None
    if not proto.pieces:
        raise DataCorrupted(f"{NAME} has no pieces")
    if not all(isinstance(piece.piece, str) for piece in proto.pieces):
        raise DataCorrupted(f"{NAME} has a piece that is not UTF-8")
    return proto
