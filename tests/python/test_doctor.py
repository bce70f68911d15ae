"""The doctor finds what is there, and says what is wrong and what to do."""

from __future__ import annotations

import pytest

from inferno.doctor import examine
from inferno.engine.core import _core
from inferno.models import source


def test_a_whole_installation_has_nothing_wrong() -> None:
    report = examine()
    assert report.problems == []
    assert report.facts["devices llama"]
    assert report.facts["threads"] == f"{_core.usable_cores()} by default, one for each core that this process may use"
    assert report.facts["backend huggingface"].startswith("gguf ")
    assert report.facts["backend onnx"].startswith("ONNX Runtime ")
    assert " files, " in report.facts["prepared models"]
    assert report.facts["model ember"] == "loads and answers (1 token)"


def test_a_missing_model_is_a_problem_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        from inferno.errors import NotFound

        raise NotFound("this installation came without the built-in model")

    monkeypatch.setattr(source, "ember_path", missing)
    (problem,) = examine().problems
    assert "without the built-in model" in problem.what
    assert problem.remedy
