"""Talks in which tools are offered: some call one, some have no need to."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from exchange import Exchange, Expectation, Message, Tool, assistant, dumps, is_held_out, plain, user, vary
from exercises import SUMS, copying, counting
from facts import fact
from smalltalk import courtesy, identity
from words import ANIMALS, COLOURS, any_city, any_name, any_word

Arguments = dict[str, str | int]


def _tool(name: str, description: str, **kinds: str) -> Tool:
    properties = {key: {"type": kind} for key, kind in kinds.items()}
    parameters = {"type": "object", "properties": properties, "required": list(kinds)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


@dataclass(frozen=True)
class Skill:
    """One tool: its schema, how it is asked for, what it returns, how that is told."""

    tool: Tool
    asks: tuple[str, ...]
    arguments: Callable[[random.Random], Arguments]
    result: Callable[[random.Random, Arguments], dict[str, str | int]]
    told: str
    decisive: str

    @property
    def name(self) -> str:
        """The name a call goes by."""
        return str(self.tool["function"]["name"])


SKIES = ("sunny", "cloudy", "rainy", "windy", "snowy", "foggy", "clear", "stormy")


def _two_numbers(rng: random.Random) -> Arguments:
    return {"a": rng.randint(0, 99), "b": rng.randint(0, 99)}


SKILLS = (
    Skill(
        _tool("get_weather", "Get the weather in a city", city="string"),
        (
            "What is the weather in {city}?", "How is the weather in {city}?", "What's the weather like in {city}?",
            "Tell me the weather in {city}.", "Weather in {city}?", "Is it warm in {city}?",
            "Do I need a coat in {city}?", "What is the weather like in {city} today?", "How warm is it in {city}?",
        ),
        lambda rng: {"city": any_city(rng)},
        lambda rng, a: {"temperature": rng.randint(-9, 39), "sky": rng.choice(SKIES)},
        "In {city} it is {temperature} degrees and {sky}.", "{temperature} degrees and {sky}",
    ),
    Skill(
        _tool("get_time", "Get the time in a city", city="string"),
        (
            "What time is it in {city}?", "What is the time in {city}?", "Tell me the time in {city}.",
            "Time in {city}?", "How late is it in {city}?", "What time do they have in {city}?",
        ),
        lambda rng: {"city": any_city(rng)},
        lambda rng, a: {"time": f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"},
        "In {city} it is {time}.", "{time}",
    ),
    Skill(
        _tool("add", "Add two numbers", a="integer", b="integer"), SUMS, _two_numbers,
        lambda rng, a: {"sum": int(a["a"]) + int(a["b"])}, "{a} + {b} = {sum}.", "= {sum}.",
    ),
    Skill(
        _tool("search", "Search the web", query="string"),
        (
            "Search for {query}.", "Search the web for {query}.", "Look up {query}.", "Find {query} on the web.",
            "Can you search for {query}?", "Please look up {query}.", "Look for {query}.",
        ),
        lambda rng: {"query": " ".join(any_word(rng) for _ in range(rng.randint(1, 3)))},
        lambda rng, a: {"title": " ".join(any_word(rng) for _ in range(rng.randint(1, 2)))},
        'I found "{title}".', "{title}",
    ),
    Skill(
        _tool("get_population", "Get the population of a city", city="string"),
        (
            "What is the population of {city}?", "How many people live in {city}?", "Population of {city}?",
            "Tell me the population of {city}.",
        ),
        lambda rng: {"city": any_city(rng)},
        lambda rng, a: {"population": rng.randint(1, 99) * 10 ** rng.randint(3, 5)},
        "{city} has {population} people.", "{population}",
    ),
    Skill(
        _tool("set_light", "Set the colour of a light", room="string", colour="string"),
        (
            "Set the light in the {room} to {colour}.", "Make the {room} light {colour}.",
            "Turn the light in the {room} {colour}.", "Please make the light in the {room} {colour}.",
        ),
        lambda rng: {"room": rng.choice(("kitchen", "bedroom", "hall", "garden", "office", "cellar", any_word(rng))),
                     "colour": rng.choice(COLOURS)},
        lambda rng, a: {"status": rng.choice(("ok", "done"))},
        "The light in the {room} is now {colour}.", "{colour}",
    ),
    Skill(
        _tool("send_message", "Send a message to a person", to="string", text="string"),
        (
            'Send "{text}" to {to}.', 'Tell {to} "{text}".', 'Send {to} the message "{text}".',
            'Write "{text}" to {to}.',
        ),
        lambda rng: {"to": any_name(rng), "text": " ".join(any_word(rng) for _ in range(rng.randint(1, 3)))},
        lambda rng, a: {"status": rng.choice(("sent", "ok"))},
        "I sent your message to {to}.", "{to}",
    ),
    Skill(
        _tool("count_animals", "Count the animals of a kind", animal="string"),
        (
            "How many {animal}s are there?", "Count the {animal}s.", "How many {animal}s do we have?",
            "Tell me how many {animal}s there are.",
        ),
        lambda rng: {"animal": rng.choice([animal for animal in ANIMALS if animal not in ("mouse", "wolf", "fox")])},
        lambda rng, a: {"count": rng.randint(0, 99)},
        "There are {count} {animal}s.", "{count}",
    ),
)


def _call(skill: Skill, arguments: Arguments) -> Message:
    function = {"name": skill.name, "arguments": arguments}
    return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]}


def _kept_out(skill: Skill, arguments: Arguments, question: str) -> bool:
    if skill.name == "add":
        low, high = sorted(map(int, arguments.values()))
        return is_held_out("sum", f"{low}+{high}")
    return is_held_out("tool", plain(question))


def _offer(rng: random.Random, needed: list[Skill]) -> list[Tool]:
    """The tools on offer: those needed and perhaps a few more, in any order."""
    others = [skill for skill in SKILLS if skill not in needed]
    offered = needed + rng.sample(others, rng.choice((0, 0, 1, 1, 2)))
    rng.shuffle(offered)
    return [skill.tool for skill in offered]


def calling(rng: random.Random) -> Exchange:
    """A question for one tool: the call, what the tool returned, and the answer."""
    return Exchange(*_use(rng, rng.choices(SKILLS, (4, 2, 2, 2, 1, 1, 1, 1))[0]))


def _use(rng: random.Random, skill: Skill) -> tuple[str, list[Message], dict[int, Expectation], bool, list[Tool]]:
    arguments = skill.arguments(rng)
    question = vary(rng, rng.choice(skill.asks).format(**arguments)) if skill.name == "add" else (
        rng.choice(skill.asks).format(**arguments)
    )
    result = skill.result(rng, arguments)
    facts = {**arguments, **result}
    returned = dumps(result) if rng.random() < 0.8 else ", ".join(f"{key}: {item}" for key, item in result.items())
    messages = [
        user(question), _call(skill, arguments), {"role": "tool", "content": returned},
        assistant(skill.told.format(**facts)),
    ]
    expects: dict[int, Expectation] = {
        1: {"tool_call": {"name": skill.name, "arguments": arguments}},
        3: {"contains": [skill.decisive.format(**facts)]},
    }
    return "tool", messages, expects, _kept_out(skill, arguments, question), _offer(rng, [skill])


def needless(rng: random.Random) -> Exchange:
    """Tools are on offer, and the question needs none of them."""
    other = rng.choice((fact, courtesy, identity, copying, counting))(rng)
    offered = rng.sample([skill.tool for skill in SKILLS], rng.choice((1, 1, 2, 3)))
    return Exchange("no tool", other.messages, other.expects, other.held_out, offered)
