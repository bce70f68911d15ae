"""Everything of a folder that requests need and its weights do not carry."""

from __future__ import annotations

from pathlib import Path

from inferno.engine.extras import EmbeddingDefaults, Extras
from inferno.models.huggingface.encoder import read_encoder
from inferno.models.huggingface.generation import read_generation_defaults
from inferno.models.huggingface.pooling import read_sentence_modules
from inferno.models.huggingface.special_tokens import read_special_tokens
from inferno.models.huggingface.templates import read_templates


def read_extras(folder: Path, *, generation_config: bool = True, kept: Path | None = None) -> Extras:
    """``generation_config`` False leaves out the sampling defaults of generation_config.json; ``kept`` is
    ``read_encoder``'s.

    Takes up to a second for a large tokenizer. Raises NotFound, Unsupported and DataCorrupted, naming the file.
    """
    modules = read_sentence_modules(folder)
    return Extras(
        encoder=read_encoder(folder, kept=kept),
        templates=read_templates(folder),
        special_texts={f"{role}_token": text for role, text in read_special_tokens(folder).roles.items()},
        generation=read_generation_defaults(folder, sampling=generation_config),
        embedding=EmbeddingDefaults(modules.pooling, modules.normalize, modules.max_tokens),
    )
