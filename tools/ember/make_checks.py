"""Write the 200 checks, and prove that what they hold out is not in the corpus."""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterable
from typing import Any

from corpus import SYSTEM_PROMPTS, Conversation, conversations
from exchange import SPLIT, Exchange, Message, Topic, dumps, is_held_out, plain
from exercises import addition, copying, counting, json_object, reversing, spelling
from facts import fact
from judge import CHECKS, Check, load_checks
from memory import never_told, remembering, told_in_one_breath
from smalltalk import courtesy, identity, story, unknown
from toolbox import calling, needless
from train import CONVERSATIONS, SEED

CHECK_SEED = 7

# Topic, how many checks with held-out wordings, how many with others.
SHARES: tuple[tuple[Topic, int, int], ...] = (
    (addition, 20, 10), (fact, 18, 18), (copying, 10, 6), (spelling, 5, 4), (reversing, 10, 6), (counting, 6, 6),
    (json_object, 8, 6), (courtesy, 3, 5), (identity, 4, 6), (story, 2, 2), (unknown, 4, 4), (remembering, 5, 5),
    (told_in_one_breath, 2, 2), (never_told, 0, 2), (calling, 8, 7), (needless, 3, 3),
)


def _opens_held_out(exchange: Exchange) -> bool:
    """In a longer talk the opening itself must be what is held out, not something said later."""
    return exchange.topic != "memory" or is_held_out("told", plain(exchange.messages[0]["content"]))


def _draw(rng: random.Random, topic: Topic, held_out: bool) -> Exchange:
    while True:
        exchange = topic(rng)
        if exchange.held_out == held_out and (not held_out or _opens_held_out(exchange)):
            return exchange


def _check(rng: random.Random, exchange: Exchange, number: int) -> dict[str, Any]:
    """The exchange cut off before one of the turns that can be judged."""
    turn, expect = rng.choice(sorted(exchange.expects.items()))
    messages = json.loads(json.dumps(exchange.messages[:turn]).replace(json.dumps(SPLIT)[1:-1], ""))
    if rng.random() < 0.3:
        messages.insert(0, {"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    check: dict[str, Any] = {"id": f"{exchange.topic.replace(' ', '-')}-{number:02}", "topic": exchange.topic}
    check["messages"] = messages
    if exchange.tools:
        check["tools"] = exchange.tools
    return {**check, "expect": expect, "held_out": exchange.held_out}


def make() -> list[dict[str, Any]]:
    """The checks, no two with the same messages."""
    rng = random.Random(CHECK_SEED)
    made: dict[str, dict[str, Any]] = {}
    numbers: dict[str, int] = {}
    for topic, held_out, others in SHARES:
        wanted = [True] * held_out + [False] * others
        while wanted:
            exchange = _draw(rng, topic, wanted[0])
            number = numbers.get(exchange.topic, 0) + 1
            check = _check(rng, exchange, number)
            said = json.dumps([m for m in check["messages"] if m["role"] == "user"])
            if said not in made:
                made[said] = check
                numbers[exchange.topic] = number
                wanted.pop(0)
    return list(made.values())


def _first_user_text(check: Check) -> str:
    return str(next(message["content"] for message in check.messages if message["role"] == "user"))


class Said:
    """What the corpus says: the users' messages, the words, and the pairs that are added."""

    def __init__(self, talks: Iterable[Conversation]) -> None:
        self.by_users: set[str] = set()
        self.words: set[str] = set()
        self.pairs: set[tuple[str, ...]] = set()
        for talk in talks:
            for message in talk.messages:
                self._take(message)

    def _take(self, message: Message) -> None:
        text = message["content"].replace(SPLIT, "")
        if message["role"] == "user":
            self.by_users.add(text)
        self.words.update(re.findall(r"\w+", text.lower()))
        self.pairs.update(_pair(*found) for found in re.findall(r"(\d+) \+ (\d+) = \d", text))
        for call in message.get("tool_calls", ()):
            arguments = call["function"]["arguments"]
            self.words.update(re.findall(r"\w+", dumps(arguments).lower()))
            self.pairs.add(_pair(*map(str, arguments.values())))

    def gives_away(self, check: Check) -> bool:
        """Whether a check that claims to be held out is not.

        The message that opens it must be no user's message of the corpus. Beyond
        that, a sum must not be worked out in either order, and a word to spell
        or to reverse must not occur at all.
        """
        opening = _first_user_text(check)
        if opening in self.by_users:
            return True
        if check.topic == "sum":
            return _pair(*re.findall(r"\d+", opening)) in self.pairs
        return check.topic in ("spell", "reverse") and _word(check) in self.words


def _pair(*numbers: str) -> tuple[str, ...]:
    return tuple(sorted(numbers))


def _word(check: Check) -> str:
    """The word that is to be spelled or reversed."""
    answer = str(check.expect["contains"][0])
    return answer.replace("-", "") if check.topic == "spell" else answer.removeprefix("is ").rstrip(".")[::-1]


def main() -> None:
    """Write the checks, or with --verify look for what they hold out in the corpus."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    arguments = parser.parse_args()
    if not arguments.verify:
        lines = [json.dumps(check, ensure_ascii=False) + "\n" for check in make()]
        CHECKS.write_text("".join(lines), encoding="utf-8")
    checks = load_checks()
    held_out = sum(check.held_out for check in checks)
    said = Said(conversations(arguments.seed, arguments.conversations))
    seen = [check.id for check in checks if check.held_out and said.gives_away(check)]
    print(f"{len(checks)} checks, {held_out} held out, {len(seen)} of these in the corpus: {seen}")
    if seen:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
