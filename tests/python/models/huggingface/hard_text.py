"""Text that breaks tokenizers, and text to train them on. Made from seeds; nothing is downloaded."""

from __future__ import annotations

import random
import unicodedata

_SENTENCE = (
    "the of and to in server token stream engine batch answer question cache model number language über façade naïve "
    "Straße école niño señor дом привет мир γλώσσα 東京 日本語 中文 한국어 שלום مرحبا हिन्दी ไทย emoji 😀 👩\u200d👧 "
    "don't it's we'll"
)
WORDS = _SENTENCE.split()
EDGES = (
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\u00a0",
    "\u200b",
    "\u200d",
    "\ufeff",
    "\u2028",
    "\u3000",
    "▁",
    "Ġ",
    "##",
    "<s>",
    "</s>",
    "<unk>",
    "[CLS]",
    "[SEP]",
    "<|end|>",
    "<0x0A>",
    "é",
    "e\u0301",
    "ﬁ",
    "Å",
    "\u0041\u030a",
    "İ",
    "ß",
    "ǅ",
    "\u0000",
    "\ufffd",
    "\U0001f1e9\U0001f1ea",
    "\U0010ffff",
    "\u0300",
    "ᄒ",
    "ᅡ",
    "𝔘",
    "½",
    "Ⅷ",
    "١٢٣",
    "'s",
    "'RE",
    "1234567",
    "…",
)


def training_text(seed: int = 0, lines: int = 600) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=chance.randint(3, 14))) + chance.choice(".!?…") for _ in range(lines)]


def hard_strings(count: int, seed: int = 1) -> list[str]:
    """Words, edge cases and code points from all of Unicode (surrogates left out), mixed."""
    chance = random.Random(seed)
    return [_one(chance) for _ in range(count)]


def _one(chance: random.Random) -> str:
    pieces = []
    for _ in range(chance.randint(0, 9)):
        kind = chance.random()
        if kind < 0.35:
            pieces.append(chance.choice(WORDS))
        elif kind < 0.7:
            pieces.append(chance.choice(EDGES))
        elif kind < 0.9:
            pieces.append(_character(chance, 0x3000))
        else:
            pieces.append(_character(chance, 0x110000))
        if chance.random() < 0.4:
            pieces.append(" ")
    text = "".join(pieces)
    return unicodedata.normalize(chance.choice(("NFC", "NFD", "NFKC")), text) if chance.random() < 0.2 else text


def _character(chance: random.Random, most: int) -> str:
    while 0xD800 <= (code := chance.randrange(most)) <= 0xDFFF:
        pass
    return chr(code)
