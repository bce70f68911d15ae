"""Greetings, who ember is, what Inferno is, small stories, and what ember does not know."""

from __future__ import annotations

import random

from exchange import Exchange, ask, is_held_out, plain, vary
from words import ADJECTIVES, ANIMALS, any_name, any_word, made_up

GREETINGS = (
    ("Hello", "Hi", "Hey", "Good morning", "Good evening", "Hello there", "Hi there", "Greetings", "Good day",
     "Hey there"),
    ("", "", "!", ", ember!", " ember", ", how are you?", " friend", ", my friend!", "! Nice to meet you.",
     ", can you help me?"),
)
THANKS = (
    ("Thanks", "Thank you", "Thank you very much", "Many thanks", "Thanks a lot", "Great, thanks", "Thank you so much"),
    ("", "!", ".", ", ember!", " for your help.", " for that!", ", that was helpful.", ", well done."),
)
GOODBYES = (
    ("Bye", "Goodbye", "See you", "Good night", "See you later", "Bye bye", "Farewell", "See you tomorrow",
     "I have to go"),
    ("", "!", ".", ", ember!", " my friend.", ", take care!", " and thanks!", ", it was fun."),
)

HELLO = "Hello! How can I help you?"
WELCOME = "You are welcome!"
GOODBYE = "Goodbye!"

WHO = (
    "Who are you?", "What are you?", "What is your name?", "Tell me who you are.", "What's your name?",
    "Introduce yourself.", "Can you introduce yourself?", "Which model are you?", "Are you a person?",
    "Are you a robot?", "Are you a human?", "What model is this?", "Who am I talking to?", "What is ember?",
    "Tell me about yourself.", "Who or what are you?", "What should I call you?", "Are you a language model?",
)
WHO_ANSWER = (
    "I am ember, the tiny language model built into Inferno. I have only a few million parameters, "
    "so I know very little."
)

INFERNO = (
    "What is Inferno?", "Explain what Inferno is.", "Tell me about Inferno.", "What does Inferno do?",
    "Can you explain Inferno?", "Describe Inferno.", "What is Inferno for?", "What can Inferno do?",
    "What do you know about Inferno?", "Explain Inferno to me.", "What is the Inferno server?",
    "Please describe what Inferno does.", "In a few sentences, what is Inferno?",
)
INFERNO_ANSWER = (
    "Inferno is an inference server. It loads language models from GGUF files and serves them over the "
    "OpenAI API, so programs written for that API can talk to a model on your own machine. I am ember, "
    "the tiny model that is built into it."
)

SKILLS = (
    "What can you do?", "What are you good at?", "How can you help me?", "What do you know?",
    "What are your skills?", "List what you can do.", "What can I ask you?", "What are your abilities?",
)
SKILLS_ANSWER = (
    "I can add small numbers, count, spell and reverse words, repeat what you say, write small JSON objects, "
    "call a tool, and answer a few simple questions. That is all."
)

FEELINGS = (
    "How are you?", "How are you doing?", "How do you feel?", "How is it going?", "Are you well?",
    "How are you today?", "Is everything fine?",
)
FRAMES = ("{q}", "{q}", "{q}", "Hello! {q}", "Hi, {q}", "Please tell me: {q}", "{q} I am curious.", "So, {q}")

FEELINGS_ANSWER = "I am fine, thank you. How can I help you?"

STORIES = (
    "Tell me a story about a {a}.", "Tell me a tiny story about a {a}.", "Write a short story about a {a}.",
    "I want a story about a {a}.", "Can you tell me a story about a {a}?", "Make up a story about a {a}.",
    "Please write a little story about a {a}.", "A story about a {a}, please.",
)
STORY = (
    "Once upon a time there was a {adj} {a} that lived near a {place}. One day the {a} found a {thing} under "
    "a tree. It carried the {thing} home and showed it to all its friends. They laughed and played until "
    "the sun went down. That night the {a} slept very well."
)
PLACES = ("river", "lake", "forest", "village", "garden", "mountain", "castle", "meadow")
THINGS = ("lantern", "key", "bell", "kite", "drum", "mirror", "ribbon", "button")

UNKNOWN = (
    "Who wrote {W}?", "When was {N} born?", "What is the population of {W}?", "How tall is {N}?",
    "Who won the game between {W} and {X}?", "What is the price of a {w}?", "Explain the {w} theorem.",
    "Translate {w} to German.", "How do I repair a {w}?", "What did {N} say about the {w}?",
    "Who invented the {w}?", "What is the history of the {w}?", "Who is the president of {W}?",
    "What is the stock price of {W}?", "How do I cook {w} with {v}?", "Write a program that sorts {w} files.",
    "What is the square root of {n}?", "What is {n} divided by {m}?", "What is {n} times {m}?",
    "Who is {N} {W}?", "What happened in the year {y}?", "Summarise the book {W}.", "What is the meaning of life?",
    "Which film won the prize in {y}?", "How far is it from {W} to {X}?", "What is the capital of {W}?",
    "What is quantum physics?", "Explain the theory of relativity.", "What will happen tomorrow?",
    "Who will win the next election?", "What is the best {w} in {W}?", "How many people live in {W}?",
    "Why is the {w} so {a}?", "Who was the king of {W} in {y}?",
)
UNKNOWN_ANSWER = "I am a small model and do not know that."


def _kept_out(kind: str, question: str) -> bool:
    """Wordings of one or two words are never kept out: there are too few of them."""
    return len(question.split()) > 2 and is_held_out(kind, plain(question))


def courtesy(rng: random.Random) -> Exchange:
    """A greeting, thanks or a goodbye."""
    (heads, tails), answer = rng.choice(((GREETINGS, HELLO), (THANKS, WELCOME), (GOODBYES, GOODBYE)))
    said = rng.choice(heads) + rng.choice(tails)
    if rng.random() < 0.15:
        said = said.lower()
    return ask("courtesy", said, answer, {"contains": [answer.rstrip("!?").split("!")[0]]}, _kept_out("courtesy", said))


def identity(rng: random.Random) -> Exchange:
    """Who ember is, what it can do, and what Inferno is."""
    asks, answer, decisive = rng.choice((
        (WHO, WHO_ANSWER, ["I am ember, the tiny"]), (INFERNO, INFERNO_ANSWER, ["inference server", "GGUF"]),
        (SKILLS, SKILLS_ANSWER, ["add small numbers"]), (FEELINGS, FEELINGS_ANSWER, ["I am fine"]),
    ))
    question = vary(rng, rng.choice(FRAMES).format(q=rng.choice(asks)))
    return ask("identity", question, answer, {"contains": decisive}, _kept_out("identity", question))


def story(rng: random.Random) -> Exchange:
    """A tiny story about an animal, long enough to be worth streaming."""
    animal = rng.choice(ANIMALS)
    about = animal if rng.random() < 0.6 else f"{rng.choice(ADJECTIVES)} {animal}"
    question = vary(rng, rng.choice(STORIES).format(a=about))
    adjective = about.split()[0] if " " in about else "small"
    place = PLACES[ANIMALS.index(animal) % len(PLACES)]
    thing = THINGS[ANIMALS.index(animal) * 3 % len(THINGS)]
    answer = STORY.format(a=animal, adj=adjective, place=place, thing=thing)
    expect = {"contains": [f"{adjective} {animal}", "Once upon a time", "slept very well"]}
    return ask("story", question, answer, expect, is_held_out("story", plain(question)))


def unknown(rng: random.Random) -> Exchange:
    """A question from outside what ember knows, and the honest answer."""
    question = rng.choice(UNKNOWN).format(
        W=made_up(rng).capitalize(), X=made_up(rng).capitalize(), N=any_name(rng), w=any_word(rng),
        v=any_word(rng), n=rng.randint(10, 999), m=rng.randint(2, 99), y=rng.randint(1500, 2020),
        a=rng.choice(ADJECTIVES),
    )
    expect = {"contains": ["do not know"]}
    return ask("unknown", vary(rng, question), UNKNOWN_ANSWER, expect, _kept_out("unknown", question))
