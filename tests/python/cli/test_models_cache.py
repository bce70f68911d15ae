"""``inferno models cache``: what was prepared, listed and removed."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from inferno.cli import main
from inferno.models.source import resolve
from models import linear_package


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


def test_what_third_parties_converted_is_listed_and_removed(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(linear_package.install(prepared.parent)))
    model = linear_package.write(prepared.parent / "a.weights", 1, 2)
    made = Path(resolve(str(model)).path)
    found = as_json(capsys)
    (one,) = found["converted"]
    assert one["name"].startswith("linear-a-")
    assert one["bytes"] == made.stat().st_size
    place = Path(found["converted_folder"])
    lines = printed(capsys).splitlines()
    assert lines[3].split() == ["0.0", "MB", one["name"]]
    assert lines[4] == f"1 converted, 0.0 MB, in {place}"
    with (place / f"{one['name']}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert as_json(capsys, "--clear")["converted"] == [], "what is being made just now is left alone"
    assert made.exists()
    assert as_json(capsys, "--clear")["freed_bytes"] == one["bytes"]
    assert not made.exists()
    assert as_json(capsys)["converted"] == []
