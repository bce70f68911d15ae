"""Tokens a second with speculation and without: ``python -m benches.speculation``. One engine for each mode, in turn.

Workloads: ``copy`` is a model that writes a text its prompt holds (``benches/copying.py``), so that all guesses but the
first come true; ``loop`` is the model of random weights, which soon repeats itself; ``talk`` is ember on its checks,
where little repeats. Of the first two, prompts are computed before the time begins: what is timed is writing. All
greedy. Texts are compared between modes; kernels may round several rows otherwise than one, so texts that part are
counted and no error. Prints a table, and the JSON line last.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from benches import copying, machine, models, words
from benches.load.statistics import median
from inferno import LLM
from inferno.async_llm import Completion

_CHECKS = Path(__file__).resolve().parents[1] / "tools" / "ember" / "checks.jsonl"
_TOKENS = 128
_GREEDY: dict[str, Any] = {"temperature": 0.0}

_Written = tuple[list[Completion], float]
"""Answers, and the seconds they took."""


@dataclass(frozen=True, slots=True)
class Case:
    """What one run of a workload asks of an engine. ``run`` gets the number of streams and that of the run."""

    model: Callable[[Path], str]
    run: Callable[[LLM, int, int], _Written]
    draft: Callable[[Path], str] | None = None


def _write(llm: LLM, prompts: list[str]) -> _Written:
    llm.generate(prompts, max_tokens=1, ignore_eos=True, **_GREEDY)
    began = perf_counter()
    return llm.generate(prompts, max_tokens=_TOKENS, ignore_eos=True, **_GREEDY), perf_counter() - began


def _copy(llm: LLM, streams: int, index: int) -> _Written:
    return _write(llm, [copying.prompt(index * streams + i, _TOKENS + 8) for i in range(streams)])


def _loop(llm: LLM, streams: int, index: int) -> _Written:
    return _write(llm, [words.text(f"speculation/{index}/{i}", 60) for i in range(streams)])


def _talk(llm: LLM, streams: int, index: int) -> _Written:
    checks = [json.loads(line) for line in _CHECKS.read_text().splitlines()]
    chats = [check["messages"] for check in checks if not check.get("tools")][:64]
    done: list[Completion] = []
    began = perf_counter()
    for begin in range(0, len(chats), streams):
        done += llm.chat(chats[begin : begin + streams], max_tokens=64, **_GREEDY)
    return done, perf_counter() - began


CASES: dict[str, Case] = {
    "copy": Case(
        lambda folder: str(models.make("0.5b-copy", folder=folder)),
        _copy,
        lambda folder: str(models.make("draft-copy", folder=folder)),
    ),
    "loop": Case(lambda folder: str(models.make("0.5b", folder=folder)), _loop),
    "talk": Case(lambda folder: "ember", _talk),
}
MODES = ("off", "auto", "ngram", "draft")
"""``draft`` runs where the workload has a draft model: 2 layers that know the text, so that it is always right."""
_COUNTED = ("steps", "spec_drafted_tokens", "spec_accepted_tokens")


def _once(case: Case, llm: LLM, streams: int, index: int) -> tuple[dict[str, float], list[str]]:
    before = dict(llm._llm._engine.stats())
    done, took = case.run(llm, streams, index)
    after = llm._llm._engine.stats()
    counted = {name: after[name] - before[name] for name in _COUNTED}
    rate = sum(one.usage.completion_tokens for one in done) / took
    return {"output_rate": rate, **counted}, [one.text for one in done]


def _compare(name: str, streams: int, asked: argparse.Namespace) -> dict[str, Any]:
    case = CASES[name]
    model = case.model(asked.models_folder)
    modes = [mode for mode in asked.modes if mode != "draft" or case.draft is not None]
    drafts = {"draft": case.draft(asked.models_folder)} if case.draft is not None else {}
    engines = {
        mode: LLM(model, draft_model=drafts.get(mode), speculate=mode, threads=asked.threads, max_running=streams)
        for mode in modes
    }
    runs: dict[str, list[dict[str, float]]] = {mode: [] for mode in modes}
    parted = dict.fromkeys(modes, 0)
    try:
        for index in range(asked.repeat + 1):
            texts: dict[str, list[str]] = {}
            for mode, llm in engines.items():
                values, texts[mode] = _once(case, llm, streams, index)
                if index > 0:  # the first run warms up
                    runs[mode].append(values)
            for mode, said in texts.items():
                parted[mode] += sum(a != b for a, b in zip(said, texts[modes[0]], strict=True))
    finally:
        for llm in engines.values():
            llm.close()
    medians = {mode: {key: median([run[key] for run in found]) for key in found[0]} for mode, found in runs.items()}
    return {"medians": medians, "texts_parted": parted, "runs": runs}


def _line(name: str, streams: int, mode: str, compared: dict[str, Any], first: str) -> str:
    values = compared["medians"][mode]
    ratio = values["output_rate"] / compared["medians"][first]["output_rate"]
    counts = f"{values['steps']:7.0f} {values['spec_drafted_tokens']:8.0f} {values['spec_accepted_tokens']:9.0f}"
    parted = compared["texts_parted"][mode]
    return f"{name:6} {streams:7d} {mode:6} {values['output_rate']:8.1f} {ratio:6.2f} {counts} {parted:7d}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.speculation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workloads", default=",".join(CASES), help="(default: %(default)s)")
    parser.add_argument("--streams", default="1,4", help="sequences at once (default: %(default)s)")
    parser.add_argument("--modes", default=",".join(MODES), help="the first is what others are compared with")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each after the first (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores())
    parser.add_argument("--models-folder", type=Path, default=models.DEFAULT_FOLDER, help="keeps the generated files")
    asked = parser.parse_args()
    asked.modes = asked.modes.split(",")
    about = machine.description()
    found: dict[str, Any] = {}
    print("work   streams mode      tok/s  ratio   steps  drafted  accepted  parted")
    for name in asked.workloads.split(","):
        for streams in map(int, asked.streams.split(",")):
            compared = found[f"{name}/{streams}"] = _compare(name, streams, asked)
            for mode in compared["medians"]:
                print(_line(name, streams, mode, compared, asked.modes[0]), flush=True)
    print(json.dumps({**about, "threads": asked.threads, "tokens": _TOKENS, "workloads": found}))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
