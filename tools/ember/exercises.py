"""Exercises with one right answer: sums, counting, copying, spelling, reversing, JSON."""

from __future__ import annotations

import random

from exchange import SPLIT, Exchange, ask, dumps, is_held_out, plain, vary
from words import ADJECTIVES, ANIMALS, CITIES, COLOURS, VERBS, WORDS, any_name, any_word, exercise_word

SUMS = (
    "What is {a} + {b}?", "{a} + {b}", "{a} + {b} = ?", "{a} plus {b}", "What is {a} plus {b}?",
    "Add {a} and {b}.", "Please add {a} and {b}.", "What do you get if you add {a} and {b}?",
    "Calculate {a} + {b}.", "Compute {a} + {b}.", "How much is {a} + {b}?", "How much is {a} plus {b}?",
    "What is the sum of {a} and {b}?", "Sum {a} and {b}.", "Can you add {a} and {b}?",
    "Tell me {a} + {b}.", "{a} and {b} make how much?", "Work out {a} + {b}.", "{a}+{b}", "What's {a}+{b}?",
)

COUNTS_FROM = (
    "Count from {a} to {b}.", "Please count from {a} to {b}.", "Can you count from {a} to {b}?",
    "List the numbers from {a} to {b}.", "Count up from {a} to {b}.", "Say the numbers from {a} to {b}.",
)
COUNTS_TO = (
    "Count to {b}.", "Please count to {b}.", "Can you count to {b}?", "Count up to {b}.",
    "Count from one to {b}.",
)

COPIES = (
    "Repeat the word {w}.", "Say {w}.", "Say the word {w}.", 'Repeat: "{w}"', "Repeat after me: {w}",
    "Please say {w}.", 'Write the word "{w}".', "Copy this: {w}", "Echo {w}", "Please repeat: {w}",
    "Can you say {w}?", "Repeat this: {w}", "Copy the word {w}.", "Just say {w}.",
)
SPELLS = (
    "Spell {w}.", "Spell the word {w}.", "How do you spell {w}?", 'Spell "{w}".', "Can you spell {w}?",
    "What letters are in the word {w}?", "Please spell {w}.",
)
REVERSALS = (
    "Reverse the word {w}.", "Reverse {w}.", "Spell {w} backwards.", "What is {w} backwards?",
    'Reverse "{w}".', "Write {w} backwards.", "Can you reverse the word {w}?", "What is {w} spelled backwards?",
    "Please reverse the word {w}.", "Say {w} backwards.", "Turn the word {w} around.",
)

JSON_REQUESTS = (
    "Give me JSON with {pairs}.", "Write JSON with {pairs}.", "Make a JSON object with {pairs}.",
    "Return JSON with {pairs}.", "I need JSON with {pairs}.", "Please write a JSON object with {pairs}.",
    "JSON with {pairs}", "Answer in JSON: {pairs}.", "Turn this into JSON: {pairs}.",
    "Can you give me a JSON object with {pairs}?", "Output JSON with {pairs}.",
)


def addition(rng: random.Random) -> Exchange:
    """A sum of two numbers below one hundred; a pair and its mirror share one fate."""
    a, b = (rng.randint(0, 99) if rng.random() < 0.88 else rng.randint(0, 12) for _ in range(2))
    question = vary(rng, rng.choice(SUMS).format(a=a, b=b))
    held_out = is_held_out("sum", f"{min(a, b)}+{max(a, b)}")
    return ask("sum", question, f"{a} + {b} = {a + b}.", {"contains": [f"= {a + b}."]}, held_out)


def counting(rng: random.Random) -> Exchange:
    """Counting upwards by one."""
    if rng.random() < 0.3:
        first, last = 1, rng.randint(2, 20)
        question = rng.choice(COUNTS_TO).format(b=last)
    else:
        first = rng.randint(0, 60)
        last = first + rng.randint(2, 12)
        question = rng.choice(COUNTS_FROM).format(a=first, b=last)
    answer = ", ".join(map(str, range(first, last + 1)))
    held_out = is_held_out("count", f"{first}-{last}")
    return ask("count", vary(rng, question), answer, {"equals": answer}, held_out)


def _phrase(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return f"the {rng.choice(ADJECTIVES)} {rng.choice(ANIMALS + WORDS)} {rng.choice(VERBS)}"
    return " ".join(exercise_word(rng) for _ in range(rng.randint(2, 4)))


def copying(rng: random.Random) -> Exchange:
    """Saying a word or a short phrase back, and nothing else."""
    words = exercise_word(rng) if rng.random() < 0.6 else _phrase(rng)
    if rng.random() < 0.15:
        words = words.capitalize()
    question = rng.choice(COPIES).format(w=words)
    held_out = is_held_out("word", words.lower())
    held_out = held_out or any(is_held_out("word", word) for word in words.lower().split())
    return ask("copy", question, words, {"equals": words}, held_out)


def spelling(rng: random.Random) -> Exchange:
    """The letters of a word, one after the other."""
    word = exercise_word(rng)
    question = vary(rng, rng.choice(SPELLS).format(w=word))
    spelled = "-".join(word)
    return ask("spell", question, spelled, {"contains": [spelled]}, is_held_out("word", word))


def reversing(rng: random.Random) -> Exchange:
    """A word backwards, spelled out first: the letters are then there to be read back.

    The last word goes to the tokenizer letter by letter, because a word spelled
    backwards has no pieces worth knowing.
    """
    word = exercise_word(rng)
    question = vary(rng, rng.choice(REVERSALS).format(w=word))
    backwards = word[::-1]
    answer = f"{'-'.join(word)} backwards is{SPLIT} {SPLIT}{SPLIT.join(backwards)}{SPLIT}."
    return ask("reverse", question, answer, {"contains": [f"is {backwards}."]}, is_held_out("word", word))


def _json_value(rng: random.Random, key: str) -> str | int:
    if key == "name":
        return any_name(rng)
    if key in ("age", "year", "count", "price", "size"):
        return rng.randint(1, 99) if key != "year" else rng.randint(1900, 2030)
    choices = {"city": CITIES, "colour": COLOURS, "color": COLOURS, "pet": ANIMALS, "animal": ANIMALS}
    return rng.choice(choices[key]) if key in choices else any_word(rng)


JSON_KEYS = (
    "name", "name", "name", "age", "age", "city", "colour", "color", "pet", "animal", "year", "count",
    "price", "size", "item", "title", "word", "food",
)


def json_object(rng: random.Random) -> Exchange:
    """A flat JSON object from keys and values given in words."""
    keys = list(dict.fromkeys(rng.choice(JSON_KEYS) for _ in range(rng.randint(1, 3))))
    value = {key: _json_value(rng, key) for key in keys}
    link = rng.choice((" ", " ", " = ", ": "))
    said = [f"{key}{link}{item}" for key, item in value.items()]
    pairs = said[0] if len(said) == 1 else ", ".join(said[:-1]) + " and " + said[-1]
    question = rng.choice(JSON_REQUESTS).format(pairs=pairs)
    return ask("json", question, dumps(value), {"json": value}, is_held_out("json", plain(question)))
