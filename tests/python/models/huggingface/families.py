"""Folders with a tokenizer of each family, trained here on generated text."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from models.huggingface.hard_text import training_text

SPECIALS = ["<s>", "</s>", "<unk>", "<|user|>", "<|end|>"]
CONFIG = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
TEMPLATE = "{{ bos_token }}{% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}"


def byte_level(folder: Path) -> Path:
    """GPT-2's kind, with llama 3's rule for words and a token that is added but not special."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        training_text(),
        trainers.BpeTrainer(
            show_progress=False,
            vocab_size=700,
            special_tokens=SPECIALS,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    tokenizer.add_tokens([AddedToken("<think>", normalized=False), AddedToken("two words", normalized=False)])
    return _written(folder, tokenizer)


def sentencepiece_bpe_json(folder: Path, *, legacy: bool = False) -> Path:
    """Llama 2's kind in a tokenizer.json: byte fallback, and a space before the first word (or, legacy, each text)."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    if legacy:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    names = ["<unk>", "<s>", "</s>", *byte_tokens]
    trainer = trainers.BpeTrainer(show_progress=False, vocab_size=900, special_tokens=names)
    # Trained word by word: merges over spaces would take the whole line as one word.
    learning = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    learning.pre_tokenizer = pre_tokenizers.Metaspace()
    learning.train_from_iterator(training_text(), trainer)
    tokenizer.model = learning.model
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>", "<|user|>", "<|end|>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    return _written(folder, tokenizer)


def unigram_json(folder: Path) -> Path:
    """T5's and XLM-RoBERTa's kind."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(show_progress=False, vocab_size=500, special_tokens=SPECIALS, unk_token="<unk>")
    tokenizer.train_from_iterator(training_text(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    return _written(folder, tokenizer)


def word_piece(folder: Path) -> Path:
    """BERT's kind."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(show_progress=False, vocab_size=600, special_tokens=names)
    tokenizer.train_from_iterator(training_text(), trainer)
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    roles = {f"{name[1:-1].lower()}_token": name for name in names}
    return _written(folder, tokenizer, config=roles)


def sentencepiece_model(folder: Path, kind: str) -> Path:
    """``tokenizer.model``; ``kind`` is bpe or unigram. Byte fallback, and added tokens as transformers keeps them."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(training_text()),
        model_writer=written,
        vocab_size=600,
        hard_vocab_limit=False,
        model_type=kind,
        byte_fallback=True,
        character_coverage=0.99,
        user_defined_symbols=["<tool>"],
        minloglevel=2,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.model").write_bytes(written.getvalue())
    first = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue()).vocab_size()
    added = {
        str(first): {"content": "<|user|>", "special": True},
        str(first + 1): {"content": "<|end|>", "special": True},
        str(first + 2): {"content": "<think>", "special": False},
    }
    config = {**CONFIG, "added_tokens_decoder": added, "add_bos_token": True, "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def _written(folder: Path, tokenizer: Tokenizer, *, config: dict[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE, **(config or CONFIG)}))
    return folder
