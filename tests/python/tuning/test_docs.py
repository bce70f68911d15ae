"""The commands of docs/tuning.md do what the page says, as they stand there but for the length of a sample."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from inferno.cli import main
from inferno.tuning import measuring, search
from inferno.tuning import tune as tuning

PAGE = Path(__file__).resolve().parents[3] / "docs" / "tuning.md"


def commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def test_the_commands_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(measuring, "LEAST_SECONDS", 1e-3)
    monkeypatch.setattr(search, "MOST_ROUNDS", 2)
    monkeypatch.setenv("INFERNO_MODEL__THREADS", "1")  # two that share a core wait for each other
    set_already = {"MODEL__FLASH_ATTENTION": "on", "MODEL__BATCH_ROWS": "256", "ENGINE__STEP_TARGET_MS": "400"}
    for setting, value in set_already.items():  # and so not tried: two combinations are left
        monkeypatch.setenv(f"INFERNO_{setting}", value)
    monkeypatch.setattr(tuning, "MOST_UNSTEADY", 1e9)
    found = commands()
    assert [command[1] for command in found] == ["tune", "config", "run", "run", "profile", "profile"]
    said = []
    for program, *arguments in found:
        assert program == "inferno"
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code in (0, None), arguments
        said.append(capsys.readouterr())
    assert "combinations were measured" in said[0].out
    assert "# Tuned on" in said[1].out
    assert "42" in said[2].out
    assert "Tuned on" in said[2].err
    assert "Tuned on" not in said[3].err
