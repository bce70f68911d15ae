"""Ask a GGUF file the 200 checks through llama.cpp, greedily, and count the right answers."""

from __future__ import annotations

import argparse
from pathlib import Path

import llama_cpp
from exchange import Message, Tool
from judge import Check, load_checks, passes
from llama_cpp import Llama
from template import render

LONGEST_ANSWER = 160


def answer(model: Llama, messages: list[Message], tools: list[Tool]) -> str:
    """The greedy answer to a conversation."""
    prompt = model.tokenize(render(messages, tools, prompt=True).encode(), add_bos=False, special=True)
    # Not `stop` but the tokens themselves: the answer's text is then exactly what the model wrote.
    written: list[int] = []
    model.reset()
    for token in model.generate(prompt, temp=0.0, repeat_penalty=1.0):
        if llama_cpp.llama_vocab_is_eog(model._model.vocab, token) or len(written) == LONGEST_ANSWER:
            break
        written.append(token)
    return model.detokenize(written, prev_tokens=prompt).decode(errors="replace")


def report(checks: list[Check], right: dict[str, bool]) -> None:
    """The score by topic, and held out or not."""
    for part in (*dict.fromkeys(check.topic for check in checks), "held out", "not held out", "all"):
        chosen = [
            right[check.id] for check in checks
            if part == "all" or part == check.topic or part == ("held out" if check.held_out else "not held out")
        ]
        print(f"{part:>12}: {sum(chosen)} of {len(chosen)}")


def main() -> None:
    """Print every wrong answer and the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    arguments = parser.parse_args()
    model = Llama(str(arguments.model), n_ctx=1024, n_threads=1, n_threads_batch=1, verbose=False, seed=1)
    checks = load_checks()
    right: dict[str, bool] = {}
    for check in checks:
        said = answer(model, check.messages, check.tools)
        right[check.id] = passes(check.expect, said)
        if not right[check.id]:
            asked = check.messages[-1]["content"]
            print(f"{check.id} ({'held out' if check.held_out else 'seen'}): {asked!r} -> {said!r}")
    report(checks, right)


if __name__ == "__main__":
    main()
