"""``inferno run`` and what reads the native module from the command line."""

from __future__ import annotations

import io
import re

import pytest

from inferno.cli import main


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert not ended.value.code
    return capsys.readouterr().out


def test_the_seed_and_the_prompt_decide_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(prompt: str, *more: str) -> str:
        return output(capsys, "run", "fake:", "-p", prompt, "--max-tokens", "30", "--seed", "5", *more)

    first = answer("one")
    assert first.strip()
    assert answer("one") == first
    assert answer("two") != first
    assert answer("one", "--raw") != first
    assert answer("one", "--system", "Be brief.") != first


def test_the_prompt_may_be_piped_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("What is 12 plus 30?\n"))
    piped = output(capsys, "run", "--temperature", "0")
    assert piped == output(capsys, "run", "--temperature", "0", "-p", "What is 12 plus 30?")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(SystemExit, match="2"):
        main(["run"])
    assert capsys.readouterr().err == "inferno: there is no prompt: give --prompt, or pipe it in\n"


def test_version_all_names_commit_and_backends(capsys: pytest.CaptureFixture[str]) -> None:
    shown = output(capsys, "version", "--all")
    assert "(commit " in shown
    assert "llama " in shown
    assert re.search(r"^onnx (ONNX Runtime|missing: )", shown, re.MULTILINE)
    assert "python 3." in shown
