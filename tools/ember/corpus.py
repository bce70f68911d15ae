"""Mixing exchanges into the conversations ember is trained on."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exchange import SPLIT, Exchange, Message, Tool, Topic
from exercises import addition, copying, counting, json_object, reversing, spelling
from facts import fact
from memory import never_told, remembering, told_in_one_breath
from smalltalk import courtesy, identity, story, unknown
from template import render
from toolbox import calling, needless

SYSTEM_PROMPTS = (
    "You are a helpful assistant.", "You are ember, a small language model.", "You are ember, a helpful assistant.",
    "You are a friendly assistant.", "Answer briefly.", "Be brief and polite.", "You are a helpful AI assistant.",
    "You are a kind and honest assistant.", "Answer the question.", "You are an assistant.",
    "You are a helpful assistant. Answer briefly.", "Help the user.",
)

# How often each topic comes up where no tools are on offer: at first of everything,
# then more of what takes longest to learn.
BROAD: dict[Topic, float] = {
    addition: 22, counting: 4, copying: 9, spelling: 7, reversing: 11, json_object: 8, fact: 19, courtesy: 4,
    identity: 5, story: 2, unknown: 7, remembering: 6, told_in_one_breath: 2,
}
PRACTICE: dict[Topic, float] = {
    addition: 32, counting: 7, copying: 12, spelling: 8, reversing: 14, json_object: 8, fact: 13, courtesy: 2,
    identity: 2, story: 1, unknown: 4, remembering: 5, told_in_one_breath: 2,
}
PRACTICE_FROM = 18432
LONG_TALK_CHARACTERS = 2600


@dataclass(frozen=True)
class Conversation:
    """Messages and the tools on offer: one document of the corpus."""

    messages: list[Message]
    tools: list[Tool]

    def text(self) -> str:
        """What the model reads, and, at the assistant's turns, learns to write."""
        return render(self.messages, self.tools)

    def shown(self) -> str:
        """The same without the marks that only the tokenizer sees."""
        return self.text().replace(SPLIT, "")


def training_exchange(rng: random.Random, topic: Topic) -> Exchange:
    """An exchange of this topic that is not held out."""
    while True:
        exchange = topic(rng)
        if not exchange.held_out:
            return exchange


def _mixed(rng: random.Random, weights: dict[Topic, float]) -> list[Message]:
    return training_exchange(rng, rng.choices(list(weights), list(weights.values()))[0]).messages


def _with_tools(rng: random.Random) -> tuple[list[Message], list[Tool]]:
    """A talk in which every exchange sees the tools of all."""
    count = rng.choice((1, 1, 1, 2, 2, 3, 4))
    exchanges = [training_exchange(rng, calling if rng.random() < 0.72 else needless) for _ in range(count)]
    by_name = {tool["function"]["name"]: tool for exchange in exchanges for tool in exchange.tools}
    tools = list(by_name.values())
    rng.shuffle(tools)
    return [message for exchange in exchanges for message in exchange.messages], tools


def _long(rng: random.Random, weights: dict[Topic, float]) -> list[Message]:
    messages: list[Message] = []
    while sum(len(message["content"]) + 24 for message in messages) < LONG_TALK_CHARACTERS:
        messages += _mixed(rng, weights)
    return messages


def conversation(rng: random.Random, weights: dict[Topic, float]) -> Conversation:
    """One conversation: short, longer, up to the full context, or with tools."""
    tools: list[Tool] = []
    roll = rng.random()
    if roll < 0.02:
        messages = list(never_told(rng).messages)
    elif roll < 0.45:
        messages = list(_mixed(rng, weights))
    elif roll < 0.82:
        messages = [message for _ in range(rng.randint(2, 7)) for message in _mixed(rng, weights)]
    elif roll < 0.84:
        messages = _long(rng, weights)
    else:
        messages, tools = _with_tools(rng)
    if rng.random() < 0.3:
        messages.insert(0, {"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    return Conversation(messages, tools)


def conversations(seed: int, count: int) -> Iterator[Conversation]:
    """The corpus: the same seed gives the same conversations."""
    rng = random.Random(seed)
    for index in range(count):
        yield conversation(rng, BROAD if index < PRACTICE_FROM else PRACTICE)


def main() -> None:
    """Write the corpus as JSON lines, for people to look at."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with arguments.output.open("w", encoding="utf-8") as file:
        for item in conversations(arguments.seed, arguments.count):
            file.write(json.dumps({"text": item.shown()}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
