"""line_of, over the ways in which TOML writes a key."""

from __future__ import annotations

import pytest

from inferno.config.toml_lines import line_of

TEXT = """# a comment with port = 1
model.path = "x.gguf"
[ server ]  # here
"host" = "127.0.0.1"
  port=1

[engine]
port = 2
"""


@pytest.mark.parametrize(
    ("section", "name", "line"),
    [
        ("server", None, 3),
        ("server", "host", 4),
        ("server", "port", 5),
        ("engine", "port", 8),
        ("model", "path", 2),
        ("model", None, 2),
        ("nowhere", None, None),
        ("server", "nothing", None),
    ],
)
def test_line_of(section: str, name: str | None, line: int | None) -> None:
    assert line_of(TEXT, section, name) == line
