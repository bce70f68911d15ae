"""Adapters against PEFT itself: a model of ``transformers`` with one, and ours with the folder that PEFT saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import inferno
from inferno.engine.request import GenerateRequest, SamplingOptions
from models.huggingface import comparison
from models.huggingface.comparison import hf_folders

torch = pytest.importorskip("torch", reason="the comparison with PyTorch: run 'make truth'")
peft = pytest.importorskip("peft", reason="the comparison with PEFT: run 'make truth'")

CASES = ("llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "gpt2", "falcon", "starcoder2", "stablelm")
KINDS: dict[str, dict[str, Any]] = {
    "plain": {"r": 4, "lora_alpha": 8},
    "rank stabilized": {"r": 8, "lora_alpha": 6, "use_rslora": True},
    "several ranks": {"r": 4, "lora_alpha": 8, "rank_pattern": {"o_proj": 2, "c_proj": 2, "dense": 2}},
}
STEPS = 8
TOP = 20


def lora_config(kind: dict[str, Any], model: Any) -> Any:
    """PEFT warns of ranks for modules that the model has not, and of a layout that it has to find out itself."""
    modules = {name.rpartition(".")[2]: type(module).__name__ for name, module in model.named_modules()}
    if "rank_pattern" in kind:
        kind = kind | {"rank_pattern": {name: rank for name, rank in kind["rank_pattern"].items() if name in modules}}
        assert kind["rank_pattern"]
    transposed = "Conv1D" in modules.values()
    return peft.LoraConfig(
        target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM", fan_in_fan_out=transposed, **kind
    )


# Of PEFT's own, which asks transformers by a name that is to go.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_logits_equal_pefts(case: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModelForCausalLM

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    hf_folders.write_case(case, tmp_path / "base")
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32, attn_implementation="eager")
    config = lora_config(KINDS[kind], plain)
    torch.manual_seed(7)
    model = peft.get_peft_model(plain, config).eval()
    model.save_pretrained(tmp_path / "adapter")
    prompt = comparison.committed(case).prompt[:60]
    options = comparison.loading(case) | {"adapters": {"a": str(tmp_path / "adapter")}}
    with inferno.LLM(str(tmp_path / "base"), **options) as llm:
        sampling = SamplingOptions(temperature=0.0, logprobs=TOP)
        ask = GenerateRequest(prompt, sampling, max_tokens=STEPS, ignore_eos=True, adapter="a")
        (ours,) = comparison.generate(llm, [ask])
    with torch.no_grad():
        logits = model(torch.tensor([prompt + list(ours.token_ids[:-1])])).logits[0, len(prompt) - 1 :]
    truth = torch.log_softmax(logits.double(), -1).numpy()
    scale = float((logits - logits.mean(-1, keepdim=True)).abs().max())
    for said, row in zip(ours.logprobs, truth, strict=True):
        assert max(abs(logprob - row[token]) for token, _, logprob in said.top) / scale < 1e-3
