"""What a reply consists of, in the order in which it is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """More of what is said to the user. Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """More of what the model thinks before it answers, without the marks around it. Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """A tool call. ``index`` counts the calls of a reply from 0; of each call this comes first, once."""

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """More of a call's arguments: the pieces of one call together are JSON of an object, unless the reply was cut."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is complete. It does not come for a call that the reply's end cut off."""

    index: int


Event = Content | Reasoning | CallBegun | CallArguments | CallEnded
