"""``inferno run`` and what reads the native module from the command line."""

from __future__ import annotations

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


def test_version_all_names_commit_and_backends(capsys: pytest.CaptureFixture[str]) -> None:
    shown = output(capsys, "version", "--all")
    assert "(commit " in shown
    assert "llama " in shown
    assert "python 3." in shown
