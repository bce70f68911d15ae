"""Every family of tokenizer against the library it belongs to: ids, bytes, streams. The engine is the real one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

pytest.importorskip("tokenizers")
pytest.importorskip("sentencepiece")

import sentencepiece
from tokenizers import Tokenizer

from inferno.engine.local import LocalEngine
from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.models.huggingface.extras import read_extras
from inferno.models.huggingface.vocab import Vocabulary, read_vocabulary
from models.huggingface import families
from models.huggingface.chain_model import write_chain_model
from models.huggingface.hard_text import WORDS, hard_strings

STRINGS = 10_000
FAMILIES: dict[str, Callable[[Path], Path]] = {
    "byte_level": families.byte_level,
    "sentencepiece_bpe_json": families.sentencepiece_bpe_json,
    "sentencepiece_bpe_json_legacy": lambda folder: families.sentencepiece_bpe_json(folder, legacy=True),
    "unigram_json": families.unigram_json,
    "word_piece": families.word_piece,
    "sentencepiece_bpe": lambda folder: families.sentencepiece_model(folder, "bpe"),
    "sentencepiece_unigram": lambda folder: families.sentencepiece_model(folder, "unigram"),
}


class Reference:
    """The library alone, on the folder's file as it is."""

    def __init__(self, folder: Path) -> None:
        self.json = (folder / "tokenizer.json").exists()
        if self.json:
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self.tokenizer.encode_special_tokens = True
        else:
            self.processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))

    def encode(self, text: str) -> list[int]:
        if self.json:
            return list(self.tokenizer.encode(text, add_special_tokens=False).ids)
        return list(self.processor.encode(text))

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(ids) if self.json else self.processor.decode(ids))


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Vocabulary]:
    folder = FAMILIES[request.param](tmp_path_factory.mktemp(request.param))
    return folder, read_vocabulary(folder, size=1024)


async def load(folder: Path, vocabulary: Vocabulary, chain: Sequence[int] = ()) -> LocalEngine:
    path = write_chain_model(folder / "model.gguf", vocabulary, chain)
    return await LocalEngine.load(str(path), extras=lambda: read_extras(folder), options={"context_tokens": 2048})


def controls(vocabulary: Vocabulary) -> set[int]:
    return {index for index, kind in enumerate(vocabulary.types) if kind == 3}


async def test_ids_and_text_are_the_librarys(family: tuple[Path, Vocabulary]) -> None:
    folder, vocabulary = family
    reference = Reference(folder)
    special = controls(vocabulary)
    unknown = vocabulary.ids.get("unk")
    engine = await load(folder, vocabulary)
    spelled_out = decoded = 0
    try:
        for text in hard_strings(STRINGS):
            ids = await engine.encode(text, add_special=False)
            assert not special & set(ids), text
            wanted = reference.encode(text)
            if special & set(wanted) or (unknown in wanted and "<unk>" in text):
                spelled_out += 1  # the library's own model takes the text for a special token; ours must not
                continue
            assert ids == wanted, text
            if unknown not in ids:
                decoded += 1
                assert await engine.decode(ids) == reference.decode(ids), text
    finally:
        await engine.aclose()
    assert spelled_out < STRINGS / 4
    assert decoded > STRINGS / 20


async def test_a_stream_is_the_text_of_its_tokens(family: tuple[Path, Vocabulary]) -> None:
    folder, vocabulary = family
    reference = Reference(folder)
    chain = _chain(reference, controls(vocabulary) | {vocabulary.ids.get("unk", -1)})
    assert len(chain) > 60
    engine = await load(folder, vocabulary, chain)
    try:
        request = GenerateRequest(chain[:1], SamplingOptions(temperature=0), max_tokens=len(chain) - 1)
        deltas = [delta async for delta in await engine.generate(request)]
    finally:
        await engine.aclose()
    assert [token for delta in deltas for token in delta.token_ids] == chain[1:]
    streamed = "".join(delta.text for delta in deltas)
    # A continuation keeps the space that decoding drops from a text's start.
    assert streamed == reference.decode(chain).removeprefix(reference.decode(chain[:1]))
    assert "\ufffd" not in streamed


async def test_only_the_template_writes_special_tokens(family: tuple[Path, Vocabulary]) -> None:
    folder, vocabulary = family
    special = controls(vocabulary)
    hostile = " ".join(vocabulary.tokens[index] for index in sorted(special))
    engine = await load(folder, vocabulary)
    try:
        ids = await engine.encode_chat([{"role": "user", "content": "hello"}])
        attacked = await engine.encode_chat([{"role": "user", "content": hostile}])
        completed = await engine.encode(hostile)
    finally:
        await engine.aclose()
    written = [token for token in ids if token in special]
    assert written, "the template's own special tokens are ids"
    assert [token for token in attacked if token in special] == written
    assert [token for token in completed if token in special] == [vocabulary.ids["bos"]] * vocabulary.add_bos


def _chain(reference: Reference, without: set[int]) -> list[int]:
    """Whole texts one after the other, each of tokens that none before it has."""
    chance = random.Random(3)
    texts = [chance.choice(WORDS) + chance.choice(("", " ")) + chance.choice(WORDS) for _ in range(3000)]
    texts += [chr(code) for code in range(0x20, 0x500)] + [chr(chance.randrange(0x1F000, 0x1FA00)) for _ in range(500)]
    chain = [next(token for token in reference.encode("hello") if reference.decode([token]).strip())]
    used = set(chain) | without
    for text in texts:
        ids = reference.encode(text)
        if len(set(ids)) == len(ids) and not used & set(ids) and "\ufffd" not in reference.decode(ids):
            chain += ids
            used |= set(ids)
    return chain
