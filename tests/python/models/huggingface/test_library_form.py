"""A kept tokenizer encodes as the folder's own file does, hides the same tokens, and counts only when it is whole."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from inferno.engine.encoder import TextEncoder
from inferno.models.huggingface import cache
from inferno.models.huggingface.encoder import read_encoder
from inferno.models.huggingface.library_form import read_kept
from models.huggingface import families

FAMILIES: list[Callable[[Path], Path]] = [
    families.byte_level,
    families.sentencepiece_bpe_json,
    families.unigram_json,
    families.word_piece,
]
TEXTS = ["hello world", "Ünïcode — 東京 🙂", " two  blanks\n", "<s><|user|></s>", "<unk> [CLS] [SEP]", ""]


def ids(encoder: TextEncoder, *more: str) -> list[list[int]]:
    return [encoder.encode([text]) for text in (*TEXTS, *more)] + [encoder.encode([1, "hello", 2, " hello"])]


@pytest.fixture(params=FAMILIES, ids=lambda family: family.__name__)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    made: Path = request.param(tmp_path / "folder")
    return made


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "folder.tokenizer"


def test_the_second_reading_takes_what_the_first_kept(folder: Path, kept: Path) -> None:
    fresh = ids(read_encoder(folder))
    assert ids(read_encoder(folder, kept=kept)) == fresh
    (folder / "tokenizer.json").unlink()
    assert ids(read_encoder(folder, kept=kept)) == fresh


def test_no_text_spells_a_special_token_by_what_the_file_says(folder: Path, kept: Path) -> None:
    read_encoder(folder, kept=kept)
    form = read_kept(kept)
    assert form is not None
    # What stands for text that no token covers is special, too, and is what the rest of such a name may become.
    special = {i for i, token in form.added.items() if token.special and token.text not in ("<unk>", "[UNK]")}
    assert special
    assert form.mark.encode() in form.first
    spelled = [f"\ufdd0{form.mark}{token.text}" for token in form.added.values() if token.special]
    encoder = read_encoder(folder, kept=kept)
    for text in spelled:
        assert not special & set(encoder.encode([text]))


@pytest.mark.parametrize("damage", ["cut", "changed", "older", "empty"])
def test_what_is_not_whole_is_made_anew(
    tmp_path: Path, kept: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = families.byte_level(tmp_path / "folder")
    fresh = ids(read_encoder(folder, kept=kept))
    whole = kept.read_bytes()
    changes = {
        "cut": whole[:-10],
        "changed": whole.replace(b"BPE", b"PPE"),
        "older": whole.replace(b'"form": 1', b'"form": 0'),
        "empty": b"",
    }
    assert changes[damage] != whole
    kept.write_bytes(changes[damage])
    with caplog.at_level(logging.WARNING):
        assert ids(read_encoder(folder, kept=kept)) == fresh
    assert "the kept tokenizer folder.tokenizer is not used" in caplog.text
    assert read_kept(kept) is not None


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    folder = families.byte_level(tmp_path / "folder")
    (tmp_path / "file").write_text("not a folder")
    assert ids(read_encoder(folder, kept=tmp_path / "file" / "x.tokenizer")) == ids(read_encoder(folder))


def test_it_goes_when_the_prepared_file_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = families.byte_level(tmp_path / "folder")
    cache.cache_folder().mkdir(parents=True)
    for remove in (lambda: cache.make_room(1, 1), cache.clear):
        prepared = cache.cache_folder() / "folder-own-1.gguf"
        prepared.write_bytes(b"x" * 100)
        read_encoder(folder, kept=cache.tokenizer_path(prepared))
        assert cache.tokenizer_path(prepared).is_file()
        remove()
        assert not list(cache.cache_folder().glob("folder-own-1.[gt]*"))
