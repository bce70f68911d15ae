"""Settings that are several values with names."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferno.config import load
from inferno.errors import ConfigError


@pytest.mark.parametrize(
    ("key", "given", "message"),
    [
        ("model.adapters", ["x"], "is \\['x'\\]: 'x' should be NAME=PATH$"),
        ("model.adapters", ["=x"], "'=x' should be NAME=PATH$"),
        ("model.adapters", ["a=x", "a=y"], "the adapter 'a' is given twice$"),
        ("model.adapters", ["a!=x"], "'a!' should be 1 to 64 letters, digits"),
        ("engine.tenant_weights", ["x"], "'x' should be NAME=WEIGHT$"),
        ("engine.tenant_weights", ["x=heavy"], "should be a valid number"),
        ("model.backend_options", ["onnx"], "'onnx' should be BACKEND.NAME=VALUE$"),
    ],
)
def test_what_has_another_form_is_shown_the_form(tmp_path: Path, key: str, given: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(env={}, cwd=tmp_path, flags={key: ("--flag", given)})


def test_names_and_values_are_parted_where_they_belong(tmp_path: Path) -> None:
    flags = {
        "model.adapters": ("--adapter", ["a=p=q"]),
        "engine.tenant_weights": ("--tenant-weight", ["k=1=2.5", "b=1"]),
    }
    config = load(env={}, cwd=tmp_path, flags=flags)
    assert config.model.adapters == {"a": "p=q"}
    assert config.engine.tenant_weights == {"k=1": 2.5, "b": 1}
