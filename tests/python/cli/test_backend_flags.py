"""What a backend declares is a flag of every command that loads a model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inferno.cli import main
from inferno.config import load
from models import linear_package


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("inferno_linear", None)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def choose(model: Path, *flags: str) -> int:
    return run("backends", "choose", str(model), *flags)


def test_the_short_spelling_is_the_long_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flags in (("--provider", "cpu"), ("--provider=cpu",), ("--backend-option", "onnx.provider=cpu")):
        assert run("run", "fake:", "-p", "a", *flags) == 2
        assert "'onnx.provider' is no option of the backend fake" in capsys.readouterr().err
    assert run("run", "fake:", "-p", "a", "--provider") == 2
    assert "'onnx.provider' is no option" in capsys.readouterr().err
    assert run("run", "fake:", "-p", "a", "--max-tokens", "1") == 0


def test_a_third_partys_option_is_a_flag_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = linear_package.write(tmp_path / "a.weights", 1, 2)
    assert choose(model, "--scale", "2") == 2
    assert "No such option" in capsys.readouterr().err
    monkeypatch.syspath_prepend(str(linear_package.install(tmp_path)))
    assert choose(model, "--scale", "2", "--provider", "cpu") == 0
    assert choose(model, "--scale", "many") == 2
    assert "linear.scale is 'many'; it must be a number from 0 to 100" in capsys.readouterr().err
    assert choose(model, "--scales", "2") == 2
    assert "No such option" in capsys.readouterr().err


def test_our_own_flags_never_ask_a_third_party(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = "options = [{'name': 'threads', 'default': '1'}]\n"
    monkeypatch.syspath_prepend(str(linear_package.install(tmp_path, module=module)))
    assert run("run", "fake:", "-p", "a", "--max-tokens", "1", "--threads", "1") == 0
    assert "inferno_linear" not in sys.modules


def test_help_shows_what_is_declared(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("serve", "--help") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "--backend-option" in said
    assert "--provider (onnx): What computes an ONNX model" in said


def test_config_show_prints_what_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INFERNO_MODEL__BACKEND_OPTIONS", "onnx.provider=cuda:device_id=0,cpu;linear.scale=2")
    assert run("config", "show") == 0
    file = tmp_path / "again.toml"
    file.write_text(capsys.readouterr().out)
    again = load(file=str(file), env={}).model.backend_options
    assert again == {"onnx.provider": "cuda:device_id=0,cpu", "linear.scale": "2"}
