"""What a folder's tokenizer files become, and what of them is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import pytest

pytest.importorskip("tokenizers")

from inferno.errors import DataCorrupted, InfernoError, NotFound, Unsupported
from inferno.models.huggingface import json_file
from inferno.models.huggingface.encoder import read_encoder
from inferno.models.huggingface.special_tokens import read_special_tokens
from inferno.models.huggingface.vocab import read_vocabulary
from models.huggingface import families

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def changed(folder: Path, name: str, **fields: Any) -> None:
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(content | fields))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return families.byte_level(tmp_path / "model")


def kind_of(folder: Path, text: str, size: int = 1024) -> int:
    vocabulary = read_vocabulary(folder, size=size)
    return vocabulary.types[vocabulary.tokens.index(text)]


def test_kinds_of_tokens(folder: Path, tmp_path: Path) -> None:
    assert kind_of(folder, "<|user|>") == CONTROL
    assert kind_of(folder, "<unk>") == CONTROL, "a byte-level model knows every byte"
    assert kind_of(folder, "<think>") == NORMAL, "added, but text"
    assert kind_of(folder, "two words") == USER_DEFINED, "outside the byte alphabet: rendered as it is spelled"
    assert kind_of(folder, "[PAD1023]") == UNUSED
    pieces = families.sentencepiece_bpe_json(tmp_path / "pieces")
    assert kind_of(pieces, "<0x0A>") == BYTE
    assert kind_of(pieces, "<unk>") == UNKNOWN


def test_a_token_that_looks_special_is(folder: Path) -> None:
    spec = json.loads((folder / "tokenizer.json").read_text())
    added = [entry | {"special": False} for entry in spec["added_tokens"]]
    changed(folder, "tokenizer.json", added_tokens=added)
    assert kind_of(folder, "<|user|>") == CONTROL
    assert kind_of(folder, "<s>") == CONTROL, "tokenizer_config.json gives it a role"
    assert kind_of(folder, "<think>") == NORMAL
    encoder = read_encoder(folder)
    vocabulary = read_vocabulary(folder, size=1024)
    special = {vocabulary.tokens.index(text) for text in ("<|user|>", "<|end|>", "<s>", "</s>")}
    assert not special & set(encoder.encode(["<|user|><|end|><s></s>"]))


def test_special_tokens_are_gathered_from_all_files(tmp_path: Path) -> None:
    (tmp_path / "special_tokens_map.json").write_text(
        json.dumps({"bos_token": "<old>", "eos_token": {"content": "</s>"}, "additional_special_tokens": ["<a>"]})
    )
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": "<new>", "pad_token": None, "extra_special_tokens": {"image": "<img>"}})
    )
    found = read_special_tokens(tmp_path)
    assert found.roles == {"bos": "<new>", "eos": "</s>"}
    assert found.texts == {"<new>", "</s>", "<a>", "<img>"}


def test_the_configuration_says_which_token_ends_a_text(folder: Path) -> None:
    assert read_vocabulary(folder, size=1024).ids["eos"] == 1
    (folder / "config.json").write_text(json.dumps({"eos_token_id": [4, 1]}))
    assert read_vocabulary(folder, size=1024).ids["eos"] == 4
    (folder / "config.json").write_text(json.dumps({"eos_token_id": 1000}))
    with pytest.raises(DataCorrupted, match="eos is token 1000"):
        read_vocabulary(folder, size=1024)


def test_blanks_that_a_special_token_takes_along(folder: Path) -> None:
    spec = json.loads((folder / "tokenizer.json").read_text())
    added = [entry | {"rstrip": entry["content"] == "<|user|>"} for entry in spec["added_tokens"]]
    changed(folder, "tokenizer.json", added_tokens=added)
    user = 3
    encoder = read_encoder(folder)
    assert encoder.encode([user, "\n hello"]) == encoder.encode([user, "hello"])
    assert encoder.encode(["\n hello"]) != encoder.encode(["hello"])


def test_a_word_after_a_special_token_is_not_the_first(tmp_path: Path) -> None:
    encoder = read_encoder(families.sentencepiece_bpe_json(tmp_path / "new"))
    assert encoder.encode([1, "hello"])[1:] != encoder.encode(["hello"])
    assert encoder.encode([1, " hello"])[1:] == encoder.encode(["hello"])
    legacy = read_encoder(families.sentencepiece_bpe_json(tmp_path / "legacy", legacy=True))
    assert legacy.encode([1, "hello"])[1:] == legacy.encode(["hello"])


@pytest.mark.parametrize(
    ("fields", "error", "reason"),
    [
        ({"model": {"type": "WordLevel", "vocab": {"a": 0}}}, Unsupported, "WordLevel .*; known: byte-level BPE"),
        ({"decoder": {"type": "BPEDecoder"}}, Unsupported, "BPE with BPEDecoder"),
        ({"model": None}, DataCorrupted, "no 'model'"),
        (
            {"model": {"type": "BPE", "vocab": {"a": 0}, "end_of_word_suffix": "</w>"}},
            Unsupported,
            "BPE with marks within words",
        ),
        ({"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}}}, DataCorrupted, "same id"),
        ({"model": {"type": "BPE", "vocab": {"a": "0"}}}, DataCorrupted, "no token with an id"),
        ({"model": {"type": "BPE", "vocab": {"a": -1}}}, DataCorrupted, "no token with an id"),
        ({"model": {"type": "BPE"}}, DataCorrupted, "no vocabulary"),
        ({"added_tokens": [{"id": 5}]}, DataCorrupted, "without 'content'"),
        ({"added_tokens": [{"content": "x"}]}, DataCorrupted, "without an id"),
        ({"added_tokens": [{"id": 5, "content": "~"}]}, DataCorrupted, "spelled alike"),
        ({"added_tokens": [{"id": 5, "content": "a\0b"}]}, DataCorrupted, "token 5"),
        ({"added_tokens": [{"id": 5000, "content": "x"}]}, DataCorrupted, "5000.*vocab_size is 1024"),
        (
            {"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<none>"}}]}},
            DataCorrupted,
            "'<none>', which is no token",
        ),
    ],
)
def test_what_is_refused(folder: Path, fields: dict[str, Any], error: type[InfernoError], reason: str) -> None:
    changed(folder, "tokenizer.json", **fields)
    with pytest.raises(error, match=reason):
        read_vocabulary(folder, size=1024)


def test_files_that_are_not_there_or_not_what_they_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match=r"neither tokenizer.json nor tokenizer.model.*save_pretrained"):
        read_vocabulary(tmp_path, size=10)
    with pytest.raises(NotFound):
        read_encoder(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(b"\xff" * 100)
    with pytest.raises(DataCorrupted, match="not a SentencePiece model"):
        read_vocabulary(tmp_path, size=10)
    with pytest.raises(DataCorrupted, match=r"tokenizer.model cannot be used"):
        read_encoder(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(DataCorrupted, match=r"tokenizer.json is not valid JSON"):
        read_vocabulary(tmp_path, size=10)
    (tmp_path / "tokenizer.json").write_text("[]")
    with pytest.raises(DataCorrupted, match="must be a JSON object"):
        read_vocabulary(tmp_path, size=10)
    monkeypatch.setattr(json_file, "MAX_JSON_BYTES", 100)
    (tmp_path / "tokenizer.json").write_text(" " * 101)
    with pytest.raises(DataCorrupted, match="more than 100 bytes"):
        read_vocabulary(tmp_path, size=10)


def test_the_json_wins_where_a_folder_has_both(tmp_path: Path) -> None:
    families.sentencepiece_model(tmp_path, "unigram")
    assert read_vocabulary(tmp_path, size=1024).kind == "t5"
    families.byte_level(tmp_path)
    assert read_vocabulary(tmp_path, size=1024).kind == "gpt2"


def test_all_of_it_is_written(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    vocabulary = read_vocabulary(folder, size=1024)
    vocabulary.add_to(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    fields = gguf.GGUFReader(path).fields
    assert fields["tokenizer.ggml.tokens"].contents() == vocabulary.tokens
    assert fields["tokenizer.ggml.token_type"].contents() == vocabulary.types
    assert fields["tokenizer.ggml.merges"].contents() == vocabulary.merges
    assert fields["tokenizer.ggml.pre"].contents() == "llama-bpe"
    assert fields["tokenizer.ggml.eos_token_id"].contents() == 1
    assert fields["tokenizer.ggml.add_bos_token"].contents() is False
