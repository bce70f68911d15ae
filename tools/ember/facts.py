"""The facts ember is taught, each with the ways to ask for it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from exchange import Exchange, ask, is_held_out, plain, vary


@dataclass(frozen=True)
class Relation:
    """Facts of one kind: `s` is what is asked about, `o` what is answered."""

    asks: tuple[str, ...]
    answer: str
    pairs: dict[str, str]


def _pairs(text: str) -> dict[str, str]:
    return dict((item.split(": ")) for item in text.split("; "))


CAPITALS = Relation(
    (
        "What is the capital of {s}?", "What's the capital of {s}?", "Name the capital of {s}.",
        "Which city is the capital of {s}?", "Capital of {s}?", "What is {s}'s capital?",
        "Tell me the capital of {s}.", "The capital of {s} is", "What is the capital city of {s}?",
    ),
    "The capital of {s} is {o}.",
    _pairs(
        "France: Paris; Germany: Berlin; Italy: Rome; Spain: Madrid; Portugal: Lisbon; Austria: Vienna; "
        "Norway: Oslo; Sweden: Stockholm; Finland: Helsinki; Denmark: Copenhagen; Poland: Warsaw; "
        "Greece: Athens; Ireland: Dublin; England: London; Russia: Moscow; Japan: Tokyo; China: Beijing; "
        "India: New Delhi; Egypt: Cairo; Kenya: Nairobi; Canada: Ottawa; Mexico: Mexico City; "
        "Brazil: Brasilia; Peru: Lima; Cuba: Havana; Turkey: Ankara; Hungary: Budapest; "
        "the United States: Washington; Australia: Canberra; Argentina: Buenos Aires"
    ),
)

YOUNG = Relation(
    (
        "What is a baby {s} called?", "What do you call a baby {s}?", "What is the name for a young {s}?",
        "What is a young {s} called?", "A baby {s} is called a", "What is the word for a baby {s}?",
    ),
    "A baby {s} is called a {o}.",
    _pairs(
        "dog: puppy; cat: kitten; cow: calf; horse: foal; sheep: lamb; goat: kid; pig: piglet; "
        "duck: duckling; bear: cub; frog: tadpole; kangaroo: joey; deer: fawn; swan: cygnet; hen: chick"
    ),
)

SOUNDS = Relation(
    (
        "What sound does a {s} make?", "What does a {s} say?", "Which sound does a {s} make?",
        "What noise does a {s} make?", "Tell me the sound a {s} makes.", "How does a {s} sound?",
    ),
    "A {s} says {o}.",
    _pairs(
        "dog: woof; cat: meow; cow: moo; sheep: baa; duck: quack; pig: oink; horse: neigh; lion: roar; "
        "snake: hiss; bee: buzz; owl: hoot; mouse: squeak"
    ),
)

LEGS = Relation(
    (
        "How many legs does a {s} have?", "How many legs has a {s}?", "Number of legs of a {s}?",
        "What is the number of legs of a {s}?", "Tell me how many legs a {s} has.",
    ),
    "A {s} has {o} legs.",
    _pairs(
        "dog: four; cat: four; bird: two; spider: eight; beetle: six; ant: six; horse: four; snake: no; "
        "crab: ten; bee: six; person: two; fish: no"
    ),
)

COLOUR_OF = Relation(
    (
        "What colour is {s}?", "What color is {s}?", "Which colour is {s}?", "What is the colour of {s}?",
        "Tell me the colour of {s}.", "What is the color of {s}?",
    ),
    "The colour of {s} is {o}.",
    _pairs(
        "the sky: blue; grass: green; snow: white; coal: black; a banana: yellow; a lemon: yellow; "
        "blood: red; milk: white; a carrot: orange; chocolate: brown; a ripe tomato: red; an emerald: green; "
        "a ruby: red; a flamingo: pink"
    ),
)

OPPOSITES = Relation(
    (
        "What is the opposite of {s}?", "Opposite of {s}?", "Give me the opposite of {s}.",
        "What's the opposite of {s}?", "Tell me the opposite of {s}.", "Which word is the opposite of {s}?",
    ),
    "The opposite of {s} is {o}.",
    _pairs(
        "hot: cold; big: small; up: down; day: night; left: right; fast: slow; happy: sad; open: closed; "
        "old: new; light: dark; wet: dry; full: empty; early: late; hard: soft; rich: poor; near: far; "
        "loud: quiet; strong: weak"
    ),
)

PLANETS = Relation(
    (
        "Which planet is number {s} from the sun?", "What is planet number {s} from the sun?",
        "Name planet number {s} from the sun.", "Tell me planet number {s} from the sun.",
    ),
    "Planet number {s} from the sun is {o}.",
    _pairs(
        "one: Mercury; two: Venus; three: Earth; four: Mars; five: Jupiter; six: Saturn; seven: Uranus; "
        "eight: Neptune"
    ),
)

AFTER = Relation(
    (
        "What comes after {s}?", "What comes right after {s}?", "Which one comes after {s}?",
        "Tell me what comes after {s}.", "After {s} comes",
    ),
    "After {s} comes {o}.",
    _pairs(
        "Monday: Tuesday; Tuesday: Wednesday; Wednesday: Thursday; Thursday: Friday; Friday: Saturday; "
        "Saturday: Sunday; Sunday: Monday; January: February; February: March; March: April; April: May; "
        "May: June; June: July; July: August; August: September; September: October; October: November; "
        "November: December; December: January; spring: summer; summer: autumn; autumn: winter; winter: spring"
    ),
)

RELATIONS = (CAPITALS, YOUNG, SOUNDS, LEGS, COLOUR_OF, OPPOSITES, PLANETS, AFTER)

# One fact a line: the questions, the answer, and the word that decides.
SINGLES = tuple(
    tuple(part.strip() for part in line.split("|"))
    for line in """
    What is the largest planet? | Which planet is the largest? | Name the biggest planet. \
        > Jupiter is the largest planet. > Jupiter
    What is the smallest planet? | Which planet is the smallest? > Mercury is the smallest planet. > Mercury
    Which planet is the hottest? | What is the hottest planet? > Venus is the hottest planet. > Venus
    Which planet is called the red planet? | What is the red planet? > Mars is called the red planet. > Mars
    Which planet has rings? | Which planet is famous for its rings? > Saturn is famous for its rings. > Saturn
    Which planet do we live on? | What planet do people live on? > We live on the planet Earth. > Earth
    How many planets are there? | How many planets are in the solar system? \
        > There are eight planets in the solar system. > eight
    What is the sun? | Is the sun a star? > The sun is a star. > star
    What goes around the Earth? | What moves around the Earth at night? > The moon goes around the Earth. > moon
    What is water made of? | What are the parts of water? | What is in water? \
        > Water is made of hydrogen and oxygen. > hydrogen
    What is the formula of water? | Give me the formula for water. > The formula of water is H2O. > H2O
    At what temperature does water boil? | When does water boil? > Water boils at 100 degrees Celsius. > 100
    At what temperature does water freeze? | When does water freeze? > Water freezes at 0 degrees Celsius. > 0 degrees
    What is frozen water called? | What is frozen water? > Frozen water is called ice. > ice
    What do plants need to grow? | What do plants need? > Plants need light, water and air. > light
    What do people breathe? | Which gas do people need to breathe? > People need to breathe oxygen. > oxygen
    Which metal do magnets pull? | What metal is pulled by a magnet? > A magnet pulls iron. > iron
    What pulls things down? | Why do things fall? > Gravity pulls things down. > ravity
    How many days are in a week? | How many days does a week have? > A week has seven days. > seven
    How many months are in a year? | How many months does a year have? > A year has twelve months. > twelve
    How many days are in a year? | How many days does a year have? > A year has 365 days. > 365
    How many hours are in a day? | How many hours does a day have? > A day has 24 hours. > 24
    How many minutes are in an hour? | How many minutes does an hour have? > An hour has 60 minutes. > 60
    How many seconds are in a minute? | How many seconds does a minute have? > A minute has 60 seconds. > 60
    What is the largest ocean? | Which ocean is the largest? > The Pacific is the largest ocean. > Pacific
    What is the largest animal? | Which animal is the largest? > The blue whale is the largest animal. > whale
    What is the fastest land animal? | Which land animal is the fastest? \
        > The cheetah is the fastest land animal. > cheetah
    What is the tallest animal? | Which animal is the tallest? > The giraffe is the tallest animal. > giraffe
    What is the highest mountain? | Which mountain is the highest? > Mount Everest is the highest mountain. > Everest
    What do bees make? | What is made by bees? > Bees make honey. > honey
    What do cows give us? | What do we get from cows? > Cows give us milk. > milk
    What do caterpillars become? | What does a caterpillar turn into? > A caterpillar becomes a butterfly. > butterfly
    How many sides does a triangle have? | How many sides has a triangle? > A triangle has three sides. > three
    How many sides does a square have? | How many sides has a square? > A square has four sides. > four
    What do you get if you mix blue and yellow? | Which colour do blue and yellow make? \
        > Blue and yellow make green. > green
    What do you get if you mix red and yellow? | Which colour do red and yellow make? \
        > Red and yellow make orange. > orange
    What do you get if you mix red and blue? | Which colour do red and blue make? > Red and blue make purple. > purple
    Which bird cannot fly? | Name a bird that cannot fly. > A penguin cannot fly. > penguin
    """.strip().splitlines()
    for line in ["|".join(line.split(">"))]
)

FRAMES = (
    "{q}", "{q}", "{q}", "{q}", "Can you tell me: {q}", "I have a question. {q}", "Please tell me: {q}",
    "Quick question: {q}", "Do you know this? {q}", "Hey, {q}", "Question: {q}", "{q} Please answer.",
)


def fact(rng: random.Random) -> Exchange:
    """One fact, asked in one of its phrasings."""
    if rng.random() < 0.28:
        *asks, answer, decisive = rng.choice(SINGLES)
        question = rng.choice(asks)
    else:
        relation = rng.choices(RELATIONS, [len(r.pairs) for r in RELATIONS])[0]
        s, o = rng.choice(list(relation.pairs.items()))
        question, answer, decisive = rng.choice(relation.asks).format(s=s), relation.answer.format(s=s, o=o), o
    question = vary(rng, rng.choice(FRAMES).format(q=question))
    return ask("fact", question, answer, {"contains": [decisive]}, is_held_out("fact", plain(question)))
