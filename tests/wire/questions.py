"""What all clients ask the built-in model, and what it must answer: it was trained on these."""

from __future__ import annotations

import json

CAPITAL = "What is the capital of France?"
CAPITAL_ANSWER = "Paris"
SUM = "What is 12 plus 30?"
SUM_ANSWER = "42"
LONG = "Count to ten thousand."
"""What the paced model's likeliest answer to is long: some 150 tokens, whatever it says."""
PIECES = 3
"""So many pieces of a long answer are read, long before its end."""
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
