"""Things the user says about himself, and asks for later in the same talk."""

from __future__ import annotations

import random

from exchange import Exchange, Message, ask, assistant, is_held_out, plain, user
from exercises import addition, counting
from facts import fact
from words import ANIMALS, COLOURS, any_city, any_name

# For each thing: how it is told, how it is asked for, the answers.
TOLD = {
    "name": ("My name is {v}.", "I am {v}.", "I'm {v}.", "Call me {v}.", "Hi, my name is {v}.", "Hello, I'm {v}."),
    "favourite colour": (
        "My favourite colour is {v}.", "I like {v} best of all colours.", "The colour I love most is {v}.",
        "{v} is my favourite colour.",
    ),
    "city": (
        "I live in {v}.", "My home is in {v}.", "I am living in {v}.", "My city is {v}.", "I live in the city of {v}.",
    ),
    "pet": (
        "I have a pet {v}.", "My pet is a {v}.", "I have a {v} as a pet.", "At home I have a pet {v}.",
    ),
    "pet's name": (
        "My pet is called {v}.", "My pet's name is {v}.", "I have a pet named {v}.", "The name of my pet is {v}.",
    ),
}
ASKED = {
    "name": ("What is my name?", "Do you remember my name?", "Who am I?", "What's my name?", "Tell me my name."),
    "favourite colour": (
        "What is my favourite colour?", "Which colour do I like best?", "Do you remember my favourite colour?",
    ),
    "city": ("Where do I live?", "Which city do I live in?", "Do you remember where I live?", "What is my city?"),
    "pet": ("What pet do I have?", "Which animal is my pet?", "What kind of pet do I have?"),
    "pet's name": ("What is my pet called?", "What is the name of my pet?", "What is my pet's name?"),
}
HEARD = {
    "name": "Nice to meet you, {v}.",
    "favourite colour": "Good to know, your favourite colour is {v}.",
    "city": "Good to know, you live in {v}.",
    "pet": "How nice, you have a pet {v}.",
    "pet's name": "How nice, your pet is called {v}.",
}
RECALLED = {
    "name": "Your name is {v}.",
    "favourite colour": "Your favourite colour is {v}.",
    "city": "You live in {v}.",
    "pet": "Your pet is a {v}.",
    "pet's name": "Your pet is called {v}.",
}
UNTOLD = {
    "name": "You have not told me your name.",
    "favourite colour": "You have not told me your favourite colour.",
    "city": "You have not told me where you live.",
    "pet": "You have not told me about your pet.",
    "pet's name": "You have not told me the name of your pet.",
}


def _value(rng: random.Random, thing: str) -> str:
    if thing in ("name", "pet's name"):
        return any_name(rng)
    if thing == "city":
        return any_city(rng)
    return rng.choice(COLOURS if thing == "favourite colour" else ANIMALS)


def _tell(rng: random.Random, thing: str) -> tuple[str, str]:
    value = _value(rng, thing)
    told = rng.choice(TOLD[thing]).format(v=value)
    return told[0].upper() + told[1:], value


def remembering(rng: random.Random) -> Exchange:
    """One or two things told, perhaps something else in between, then one asked for."""
    things = rng.sample(list(TOLD), rng.choice((1, 1, 2)))
    messages: list[Message] = []
    values: dict[str, str] = {}
    held_out = False
    for thing in things:
        told, values[thing] = _tell(rng, thing)
        held_out = held_out or is_held_out("told", plain(told))
        messages += [user(told), assistant(HEARD[thing].format(v=values[thing]))]
    for _ in range(rng.choice((0, 0, 1, 2))):
        between = rng.choice((addition, counting, fact))(rng)
        held_out = held_out or between.held_out
        messages += between.messages
    asked = rng.choice(things)
    answer = RECALLED[asked].format(v=values[asked])
    messages += [user(rng.choice(ASKED[asked])), assistant(answer)]
    return Exchange("memory", messages, {len(messages) - 1: {"contains": [values[asked]]}}, held_out)


def told_in_one_breath(rng: random.Random) -> Exchange:
    """A thing told and asked for in the same message."""
    thing = rng.choice(list(TOLD))
    told, value = _tell(rng, thing)
    question = f"{told} {rng.choice(ASKED[thing])}"
    answer = RECALLED[thing].format(v=value)
    held_out = is_held_out("told", plain(question)) or is_held_out("told", plain(told))
    return ask("memory", question, answer, {"contains": [value]}, held_out)


def never_told(rng: random.Random) -> Exchange:
    """Asked for something that was never said: the honest answer is that it was not."""
    thing = rng.choice(list(TOLD))
    return ask("memory", rng.choice(ASKED[thing]), UNTOLD[thing], {"contains": ["not told me"]}, False)
