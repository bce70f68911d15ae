"""An int4 ONNX decoder against ONNX Runtime GenAI on the same folder: ``python -m benches.onnx_genai``.

Prompts of 128 tokens are computed, then 64 tokens written greedily, past ends of generation, at each batch size; and
eight unequal requests arrive one after another, which GenAI answers in their order, since none can join a batch that
runs. Both get ``--threads``, and each a process of its own; they are asked in turn, batch by batch, the one waiting
while the other computes. How many of their texts begin with the same 16 tokens is told beside it: they round
differently. The folder has Qwen2.5-0.5B's shape and random weights, made once. Prints a table, and the JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np

from benches import machine, models
from benches.load.statistics import median

ROOT = Path(__file__).parents[1]
_SHAPE = {
    "model_type": "llama",
    "vocab_size": 151936,
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "bos_token_id": 256,
    "eos_token_id": 257,
}
_PROMPT, _WRITTEN = 128, 64
_ARRIVALS = [(40, 96), (200, 16), (64, 64), (16, 120), (300, 24), (32, 48), (128, 80), (80, 32)]
"""Tokens of the prompt and of the answer; ``_APART`` seconds between them."""
_APART = 0.25
_COMPARED = 16
Measured = dict[str, Any]


def make_folder(folder: Path) -> Path:
    """The model, and a tokenizer of the 256 bytes: prompts are given as token ids."""
    if (folder / "tokenizer.json").exists():
        return folder
    sys.path.insert(0, str(ROOT / "tests" / "data"))
    import onnx_decoders

    onnx_decoders.write(folder, _SHAPE, onnx_decoders.random_weights(_SHAPE), "gqa", "INT4")
    (folder / "config.json").write_text(json.dumps(_SHAPE))
    onnx_decoders.write_byte_tokenizer(folder)
    return folder


def prompt(seed: int, length: int) -> list[int]:
    return [int(token) for token in np.random.default_rng(seed).integers(300, 100_000, length)]


class GenAI:
    """The library, as its documentation has it used."""

    def __init__(self, folder: Path, threads: int) -> None:
        import onnxruntime_genai

        self._library = onnxruntime_genai
        config = onnxruntime_genai.Config(str(folder))
        options = {"session_options": {"intra_op_num_threads": threads}}
        config.overlay(json.dumps({"model": {"decoder": options}}))
        self._model = onnxruntime_genai.Model(config)

    def _begun(self, prompts: list[list[int]], written: int) -> Any:
        params = self._library.GeneratorParams(self._model)
        length = len(prompts[0]) + written
        params.set_search_options(max_length=length, min_length=length, batch_size=len(prompts), do_sample=False)
        generator = self._library.Generator(self._model, params)
        generator.append_tokens(np.array(prompts, np.int32))
        generator.generate_next_token()
        return generator

    def batch(self, prompts: list[list[int]], written: int) -> tuple[float, float, list[list[int]]]:
        began = perf_counter()
        generator = self._begun(prompts, written)
        computed = perf_counter()
        for _ in range(written - 1):
            generator.generate_next_token()
        ended = perf_counter()
        said = [[int(token) for token in generator.get_sequence(i)][len(prompts[i]) :] for i in range(len(prompts))]
        return computed - began, ended - computed, said

    def arrivals(self) -> float:
        began = perf_counter()
        for number, (length, written) in enumerate(_ARRIVALS):
            sleep(max(0.0, number * _APART - (perf_counter() - began)))
            generator = self._begun([prompt(number, length)], written)
            for _ in range(written - 1):
                generator.generate_next_token()
        return perf_counter() - began


class Inferno:
    def __init__(self, folder: Path, threads: int) -> None:
        from inferno.engine.local import LocalEngine
        from inferno.models.opening import extras_of
        from inferno.models.source import resolve

        source = resolve(str(folder))
        self._loop = asyncio.new_event_loop()
        loading = LocalEngine.load(
            source.path,
            options={"threads": threads, "slots": 16, "context_tokens": 1024},
            engine={"prefix_cache": False, "speculate": "off"},
            extras=extras_of(source),
        )
        self._engine = self._loop.run_until_complete(loading)

    async def _one(self, tokens: list[int], written: int, after: float = 0.0) -> tuple[float, list[int]]:
        """When its first token came, and what they were."""
        from inferno.engine.request import GenerateRequest, SamplingOptions

        await asyncio.sleep(after)
        ask = GenerateRequest(tokens, SamplingOptions(temperature=0.0), max_tokens=written, ignore_eos=True)
        first = 0.0
        said: list[int] = []
        async for delta in await self._engine.generate(ask):
            if delta.token_ids and not first:
                first = perf_counter()
            said += delta.token_ids
        return first, said

    def batch(self, prompts: list[list[int]], written: int) -> tuple[float, float, list[list[int]]]:
        async def together() -> list[tuple[float, list[int]]]:
            return await asyncio.gather(*(self._one(tokens, written) for tokens in prompts))

        began = perf_counter()
        answers = self._loop.run_until_complete(together())
        ended = perf_counter()
        computed = max(first for first, _ in answers)
        return computed - began, ended - computed, [said for _, said in answers]

    def arrivals(self) -> float:
        async def unequal() -> None:
            asked = enumerate(_ARRIVALS)
            await asyncio.gather(*(self._one(prompt(i, length), most, i * _APART) for i, (length, most) in asked))

        began = perf_counter()
        self._loop.run_until_complete(unequal())
        return perf_counter() - began


def answer(engine: GenAI | Inferno) -> None:
    """Measures what each line of the input names: a batch's size, or 0 for the arrivals."""
    engine.batch([prompt(99, 16)], 4)  # warms up
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        batch = int(line)
        if batch == 0:
            print(json.dumps({"arrivals seconds": engine.arrivals()}), flush=True)
            continue
        prefill, decode, said = engine.batch([prompt(batch * 100 + i, _PROMPT) for i in range(batch)], _WRITTEN)
        rates = {f"prefill {batch}": batch * _PROMPT / prefill, f"decode {batch}": batch * (_WRITTEN - 1) / decode}
        print(json.dumps({"rates": rates, "said": said}), flush=True)


class Peer:
    """An engine in a process of its own, which computes when it is asked."""

    def __init__(self, name: str, asked: argparse.Namespace) -> None:
        command = [sys.executable, "-m", "benches.onnx_genai", "--engine", name, "--folder", str(asked.folder)]
        command += ["--threads", str(asked.threads)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self._read()

    def _read(self) -> Measured:
        assert self._process.stdout is not None
        found: Measured = json.loads(self._process.stdout.readline())
        return found

    def measure(self, batch: int) -> Measured:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{batch}\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def compare(asked: argparse.Namespace, batches: list[int]) -> tuple[dict[str, dict[str, list[float]]], list[int]]:
    """All samples of both, and of how many texts both said the same first tokens."""
    peers = {name: Peer(name, asked) for name in ("inferno", "genai")}
    samples: dict[str, dict[str, list[float]]] = {name: {} for name in peers}
    alike = [0, 0]
    try:
        for turn in range(asked.repeat):
            for batch in [*batches, *([] if asked.no_arrivals else [0])]:
                said = []
                for name in list(peers)[:: -1 if turn % 2 else 1]:
                    found = peers[name].measure(batch)
                    said.append(found.get("said", []))
                    for key, value in (found.get("rates") or found).items():
                        samples[name].setdefault(key, []).append(value)
                for one, other in zip(*said, strict=True):
                    alike[0] += one[:_COMPARED] == other[:_COMPARED]
                    alike[1] += 1
    finally:
        for peer in peers.values():
            peer.close()
    return samples, alike


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.onnx_genai", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=models.DEFAULT_FOLDER / "0.5b-int4-onnx", help="made if missing")
    parser.add_argument("--batches", default="1,4,8,16", help="(default: %(default)s)")
    parser.add_argument("--no-arrivals", action="store_true", help="batches alone")
    parser.add_argument("--repeat", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores())
    parser.add_argument("--engine", choices=("genai", "inferno"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.folder = asked.folder.expanduser()
    if asked.engine:
        answer({"genai": GenAI, "inferno": Inferno}[asked.engine](asked.folder, asked.threads))
        return
    about = machine.description()
    make_folder(asked.folder)
    samples, (alike, texts) = compare(asked, [int(batch) for batch in asked.batches.split(",") if batch])
    medians = {name: {key: median(values) for key, values in found.items()} for name, found in samples.items()}
    print("                  inferno    genai  ratio")
    for key, value in medians["inferno"].items():
        other = medians["genai"][key]
        print(f"{key:16s} {value:8.2f} {other:8.2f} {value / other:6.3f}")
    print(f"{alike} of {texts} texts begin with the same {_COMPARED} tokens")
    found = {"threads": asked.threads, "medians": medians, "samples": samples, "alike": alike, "texts": texts}
    print(json.dumps({**about, **found}))


if __name__ == "__main__":
    main()
