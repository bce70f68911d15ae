"""What all clients ask the built-in model, and what it must answer: it was trained on these."""

from __future__ import annotations

import json

CAPITAL = "What is the capital of France?"
CAPITAL_ANSWER = "Paris"
SUM = "What is 12 plus 30?"
SUM_ANSWER = "42"
WEATHER_QUESTION = "What is the weather in Paris?"
WEATHER_ARGUMENTS = {"city": "Paris"}
WEATHER_RESULT = json.dumps({"temperature": 17, "sky": "sunny"})
WEATHER_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER_DESCRIPTION = "Get the weather in a city"


def check_weather_answer(text: str | None) -> None:
    """The answer says what the tool's result said."""
    assert text is not None
    assert "17 degrees" in text
    assert "sunny" in text
