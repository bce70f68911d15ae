"""OLMo 2: norms after each block instead of before, and over the whole of query and key."""

from __future__ import annotations

from inferno.models.huggingface.architectures import decoder
from inferno.models.huggingface.architectures.architecture import ATTENTION, FEED_FORWARD, HEAD_NORMS, Architecture
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan


def tensors(config: Config, plan: WeightPlan) -> None:
    decoder.settle_output(config, plan, needed=True)
    plan.take_rest()


OLMO2 = Architecture(
    classes=("Olmo2ForCausalLM",),
    arch="OLMO2",
    keys=decoder.decoder_keys,
    tensors=tensors,
    layer=(*ATTENTION[1:], *HEAD_NORMS, "post_attention_norm", *FEED_FORWARD[1:], "post_ffw_norm"),
)
