"""``inferno models cache``: what was prepared, listed and removed."""

from __future__ import annotations

import fcntl
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
    assert lines[2] == f"2 files, 4.0 MB, in {prepared}; at most 68,719.5 MB stay"


def test_it_says_what_is_in_use_and_how_much_may_stay(
    prepared: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERNO_STORE__PREPARED_BYTES", "5MB")
    with (prepared / "old-own-0.use.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        shown = as_json(capsys)
    assert shown["limit_bytes"] == 5_000_000
    assert [file["in_use"] for file in shown["files"]] == [False, True]


def test_clear_removes_the_files_and_says_so(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert as_json(capsys, "--clear")["freed_bytes"] == 4_000_000
    assert list(prepared.glob("*.gguf")) == []
    assert as_json(capsys)["files"] == []
