"""The architectures of ``transformers`` that can be served from a folder: one file each, listed here."""

from __future__ import annotations

from inferno.errors import Unsupported
from inferno.models.huggingface.architectures.architecture import Architecture
from inferno.models.huggingface.architectures.bert import BERT
from inferno.models.huggingface.architectures.falcon import FALCON
from inferno.models.huggingface.architectures.gemma2 import GEMMA2
from inferno.models.huggingface.architectures.gemma3 import GEMMA3
from inferno.models.huggingface.architectures.gemma3_vision import GEMMA3_VISION
from inferno.models.huggingface.architectures.gpt2 import GPT2
from inferno.models.huggingface.architectures.granite import GRANITE
from inferno.models.huggingface.architectures.llama import LLAMA
from inferno.models.huggingface.architectures.mistral import MISTRAL
from inferno.models.huggingface.architectures.mixtral import MIXTRAL
from inferno.models.huggingface.architectures.nomic_bert import NOMIC_BERT
from inferno.models.huggingface.architectures.olmo2 import OLMO2
from inferno.models.huggingface.architectures.phi3 import PHI3
from inferno.models.huggingface.architectures.qwen2 import QWEN2
from inferno.models.huggingface.architectures.qwen2_moe import QWEN2_MOE
from inferno.models.huggingface.architectures.qwen3 import QWEN3
from inferno.models.huggingface.architectures.qwen3_moe import QWEN3_MOE
from inferno.models.huggingface.architectures.smollm3 import SMOLLM3
from inferno.models.huggingface.architectures.stablelm import STABLELM
from inferno.models.huggingface.architectures.starcoder2 import STARCODER2
from inferno.models.huggingface.architectures.xlm_roberta import XLM_ROBERTA
from inferno.models.huggingface.config_json import Config

ARCHITECTURES: tuple[Architecture, ...] = (
    BERT,
    FALCON,
    GEMMA2,
    GEMMA3,
    GEMMA3_VISION,
    GPT2,
    GRANITE,
    LLAMA,
    MISTRAL,
    MIXTRAL,
    NOMIC_BERT,
    OLMO2,
    PHI3,
    QWEN2,
    QWEN2_MOE,
    QWEN3,
    QWEN3_MOE,
    SMOLLM3,
    STABLELM,
    STARCODER2,
    XLM_ROBERTA,
)

_BY_CLASS = {name: architecture for architecture in ARCHITECTURES for name in architecture.classes}


def find_architecture(config: Config) -> Architecture:
    """The architecture that config.json names. Raises Unsupported, with the list of the known ones."""
    named = config.words("architectures") or []
    for name in named:
        if name in _BY_CLASS:
            return _BY_CLASS[name]
    raise Unsupported(
        f"config.json: architecture {', '.join(named)[:100] or '(none named)'} is not known; known: "
        f"{', '.join(sorted(_BY_CLASS))}. To add one, see docs/adding-an-architecture.md"
    )
