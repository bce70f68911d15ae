"""The names, places and words that the corpus is filled with."""

from __future__ import annotations

# ruff: noqa: SIM905 - lists of bare words read better without a quote around each
import random

from exchange import is_held_out

NAMES = (
    "Ada Alan Alice Amir Anna Arthur Aya Ben Bella Boris Carla Carlos Chen Clara Daniel Diego Dora "
    "Edgar Elena Emil Emma Erik Eva Farah Felix Fiona Frank Grace Greta Hana Hugo Ida Igor Ines Ivan "
    "Jack Jana Joan Jonas Julia Kai Karim Kate Kenji Lara Leo Lena Lily Linus Lucy Luis Maria Marie "
    "Mark Max Maya Mia Milo Nadia Nora Oliver Omar Otto Paul Petra Priya Quinn Rita Rosa Ruth Sam "
    "Sara Simon Sofia Tariq Theo Tina Tom Uma Vera Victor Wanda Yara Yusuf Zoe"
).split()

CITIES = (
    "Paris London Berlin Rome Madrid Vienna Oslo Tokyo Cairo Lima Athens Lisbon Dublin Prague Warsaw "
    "Moscow Delhi Seoul Nairobi Boston Chicago Denver Dallas Sydney Toronto Geneva Zurich Milan Munich "
    "Hamburg Lyon Porto Seville Naples Kyoto Osaka Mumbai Lagos Accra Quito Bogota Havana Helsinki "
    "Stockholm Brussels Krakow Glasgow Bristol Leeds Austin Seattle Phoenix Houston Miami"
).split()

COLOURS = "red blue green yellow orange purple pink black white brown grey gold silver".split()

ANIMALS = (
    "cat dog horse cow sheep goat pig hen duck goose rabbit mouse fox wolf bear lion tiger frog "
    "parrot owl turtle snake spider donkey hamster squirrel hedgehog penguin whale dolphin"
).split()

# Words to copy, spell, reverse and put into JSON. A held-out one must stand in no other text.
WORDS = (
    "apple arrow autumn bamboo banana basket beacon bench berry bicycle bird blanket boat bottle branch "
    "bread breeze bridge brush bubble bucket button cabin cactus camera candle canyon carpet carrot "
    "ceiling cellar chain chair chalk cherry chimney circle clock cloud clover coffee comet copper "
    "coral corner cotton cradle crayon cricket crown crystal cup curtain daisy dance desert desk diamond "
    "dinner doctor dragon dream drum eagle earth echo elbow engine falcon feather fence fiddle finger fire "
    "flag flame flower flute forest fossil fountain garden garlic gate ginger glass glove grape grass "
    "guitar hammer harbor harvest hat hazel heart helmet hill honey house iron island ivory jacket jewel "
    "journey jungle kettle kitchen kite knot ladder lamp lantern laptop leaf lemon letter library "
    "lily linen lizard magnet mango map maple marble market meadow melon metal mint mirror mitten moon "
    "music napkin needle nest night north oak ocean olive onion orange orbit otter oven "
    "paper parcel pasta peach pebble pencil pepper piano picnic pillow planet plate plum pocket poem pond "
    "potato puzzle quartz queen quilt radio rain raven ribbon rice robin rocket roof root rose rubber "
    "saddle salad sand saturn school scissors season seed shadow shell ship shoe silk sister sky smile snow "
    "soap sofa soup spoon spring star stone storm street sugar summer sun table tea temple tent thunder "
    "ticket timber toast tomato tower train travel tree trumpet tulip tunnel umbrella valley vase velvet "
    "village violin wagon wall walnut water wave wheat wheel whistle willow wind window winter wonder wood "
    "wool yarn yellow zebra zero zipper"
).split()

ADJECTIVES = (
    "old young small big red blue green quiet happy sleepy brave bright dark warm cold kind quick slow "
    "tall short soft golden silver clever gentle hungry"
).split()

VERBS = "sat ran slept sang jumped waited danced played walked swam sailed rested".split()

_ONSETS = "b c d f g h j k l m n p r s t v w z br cl dr fl gr pl st tr sh th ch qu".split()
_CORES = "a e i o u ai ea oo ou ee".split()
_CODAS = ["", "", "", "n", "r", "l", "s", "t", "m", "k", "nd", "st", "x", "p"]


def _invented(rng: random.Random) -> str:
    if rng.random() < 0.35:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 7)))
    count = rng.choice((1, 2, 2, 2))
    parts = (rng.choice(_ONSETS) + rng.choice(_CORES) + rng.choice(_CODAS) for _ in range(count))
    return "".join(parts)[:8]


def exercise_word(rng: random.Random) -> str:
    """A real or a made-up word to copy, spell or reverse; some of them are held out."""
    return rng.choice(WORDS) if rng.random() < 0.45 else _invented(rng)


def made_up(rng: random.Random) -> str:
    """A word nobody has seen, so that copying is learned rather than words; never a held-out one."""
    while True:
        word = _invented(rng)
        if not is_held_out("word", word):
            return word


def any_word(rng: random.Random) -> str:
    """A real or a made-up word, never a held-out one."""
    while True:
        word = exercise_word(rng)
        if not is_held_out("word", word):
            return word


def any_name(rng: random.Random) -> str:
    """A first name, sometimes one nobody bears."""
    return rng.choice(NAMES) if rng.random() < 0.6 else made_up(rng).capitalize()


def any_city(rng: random.Random) -> str:
    """A city, sometimes one that is on no map."""
    return rng.choice(CITIES) if rng.random() < 0.65 else made_up(rng).capitalize()
