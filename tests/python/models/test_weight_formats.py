"""Whatever format a file has its weights in, its answers are those of the numbers that they stand for.

The models have each kind of layer that multiplies such weights: one matrix for all rows, and experts, of which every
row uses all, so that none is chosen by what is rounded.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("gguf")

import gguf
import numpy as np
from benches.random_weights import begun, write
from gguf import quants

from benches import words
from inferno import LLM
from inferno.async_llm import Completion

FORMATS = ["q8_0", "q4_0", "q4_1", "q4_k", "q5_0", "q5_1", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4"]
PROMPTS = [words.text(f"format/{n}", n) for n in (3, 20, 60)]
NEAR = 0.25
"""Of log-probabilities. That activations are rounded to 8 bits makes up to 0.12; halves of blocks that are taken for
each other, 0.6."""


def in_f32(quantized: Path, to: Path) -> None:
    """The same model, its weights as the numbers that gguf's own reading makes of them."""
    file = gguf.GGUFReader(quantized)
    writer = gguf.GGUFWriter(to, str(file.fields["general.architecture"].contents()))
    for key, field in file.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            kind = field.types[0]
            writer.add_key_value(key, field.contents(), kind, field.types[-1] if len(field.types) > 1 else None)
    numbers = {tensor.name: quants.dequantize(tensor.data, tensor.tensor_type) for tensor in file.tensors}
    for tensor in file.tensors:
        shape = tuple(reversed(tensor.shape.tolist()))
        writer.add_tensor_info(tensor.name, shape, np.dtype(np.float32), 4 * int(np.prod(shape)))
    out = begun(writer)
    for tensor in file.tensors:
        out.write(numbers[tensor.name].astype("<f4").tobytes())
        writer.write_padding(out, 4 * numbers[tensor.name].size)
    writer.close()


def answers(path: Path, *, together: bool) -> list[Completion]:
    with LLM(str(path), threads=1, speculate="off", context_tokens=256, kv_tokens=1024, prefix_cache=False) as llm:
        asked = {"max_tokens": 8, "temperature": 0, "ignore_eos": True, "logprobs": 1}
        return llm.generate(PROMPTS, **asked) if together else [llm.generate(one, **asked)[0] for one in PROMPTS]


def furthest(expected: Completion, found: Completion) -> float:
    """Of log-probabilities, up to the first token where the two were so near that rounding may choose."""
    most = 0.0
    for was, now in zip(expected.logprobs, found.logprobs, strict=True):
        most = max(most, abs(was.logprob - now.logprob))
        if was.token_id != now.token_id:
            break
    return most


@pytest.mark.parametrize("form", FORMATS)
def test_answers_are_those_of_the_numbers_that_weights_stand_for(form: str, tmp_path: Path) -> None:
    write(tmp_path / "quantized.gguf", "gpt-oss", weight_type=form, tiny=True)
    in_f32(tmp_path / "quantized.gguf", tmp_path / "plain.gguf")
    expected = answers(tmp_path / "plain.gguf", together=False)
    for together in (False, True):
        found = answers(tmp_path / "quantized.gguf", together=together)
        assert max(furthest(was, now) for was, now in zip(expected, found, strict=True)) < NEAR
