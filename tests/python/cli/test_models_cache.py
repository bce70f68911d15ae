"""``inferno models cache``: what was prepared, listed and removed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from inferno.cli import main


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "inferno" / "prepared"
    folder.mkdir(parents=True)
    (folder / "old-own-0.gguf").write_bytes(b"x" * 1_000_000)
    (folder / "new-q8_0-1.gguf").write_bytes(b"x" * 3_000_000)
    os.utime(folder / "old-own-0.gguf", (1, 1))
    return folder


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["models", "cache", *arguments])
    assert not ended.value.code
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    return json.loads(printed(capsys, "--json", *arguments))


def test_it_lists_the_latest_used_first(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys).splitlines()
    assert [line.split() for line in lines[:2]] == [["3.0", "MB", "new-q8_0-1.gguf"], ["1.0", "MB", "old-own-0.gguf"]]
    assert lines[2] == f"2 files, 4.0 MB, in {prepared}"


def test_clear_removes_the_files_and_says_so(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert as_json(capsys, "--clear")["freed_bytes"] == 4_000_000
    assert list(prepared.glob("*.gguf")) == []
    assert as_json(capsys) == {"folder": str(prepared), "files": [], "freed_bytes": 0}
