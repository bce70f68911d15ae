"""Grammars of forced calls: valid Lark for every family that has one, and refused by name where there is none."""

from __future__ import annotations

import pytest
from llguidance import LLMatcher, grammar_from

from engine.dialects.families import FAMILIES
from engine.dialects.replies import TOOLS, dialect_of
from inferno.engine.dialects.forced import forced_calls
from inferno.errors import Unsupported

WITHOUT = {family for family, one in FAMILIES.items() if one.script in {"TaggedCall", "PythonicCall", "harmony"}}
WITHOUT |= {"Mistral v7", "Command-R7B"}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("thinking", [False, True])
def test_each_family_has_a_grammar_or_is_refused(family: str, several: bool, thinking: bool) -> None:
    def made() -> str:
        return forced_calls(dialect_of(family), TOOLS, {}, begun="", thinking=thinking, several=several).text

    if family in WITHOUT:
        with pytest.raises(Unsupported, match="cannot be forced"):
            made()
        return
    failed, messages = LLMatcher.validate_grammar_with_warnings(grammar_from("lark", made()))
    assert not failed, messages
