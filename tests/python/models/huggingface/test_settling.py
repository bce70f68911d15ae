"""A prepared file is used before it is on the disk, and counts as not there if it never came to be."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from inferno.models.huggingface import cache, settling
from inferno.models.huggingface.settling import is_settled

CONTENT = b"whole"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "inferno" / "prepared").mkdir(parents=True)
    return tmp_path / "inferno" / "prepared" / "model-own-0123.gguf"


def made(path: Path) -> list[Path]:
    """The file, made where it is not there; which of them were made."""
    makings: list[Path] = []

    def make() -> None:
        makings.append(path)
        path.write_bytes(CONTENT)

    assert cache.made_once(path, make) == path
    assert path.read_bytes() == CONTENT
    return makings


def wait() -> None:
    for thread in threading.enumerate():
        if thread.name == "settle-prepared":
            thread.join()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has every file, not folder, be brought to the disk by what is given."""
    to_disk = settling._to_disk

    def replace(instead: Callable[[], None]) -> None:
        monkeypatch.setattr(settling, "_to_disk", lambda path: to_disk(path) if path.is_dir() else instead())

    return replace


def test_it_is_used_before_it_is_on_the_disk(path: Path, disk: Callable[[Callable[[], None]], None]) -> None:
    arrived = threading.Event()
    disk(lambda: arrived.wait() and None)
    assert made(path) == [path]
    assert not is_settled(path)
    second: list[list[Path]] = []
    other = threading.Thread(target=lambda: second.append(made(path)))
    other.start()
    other.join(0.2)
    assert other.is_alive(), "it waits, as for a file that is being made"
    arrived.set()
    other.join()
    wait()
    assert second == [[]]
    assert is_settled(path)
    assert made(path) == []


def test_what_a_loss_of_power_left_is_made_anew(path: Path) -> None:
    path.write_bytes(bytes(5))
    settling.mark(path)
    assert made(path) == [path]
    wait()
    assert is_settled(path)


def test_a_disk_that_fails_is_told_and_the_file_made_anew(
    path: Path, disk: Callable[[Callable[[], None]], None], caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise OSError(5, "Input/output error")

    disk(broken)
    assert made(path) == [path]
    wait()
    assert "model-own-0123.gguf is not on the disk, so that the next start makes it anew: Input/output" in caplog.text
    disk(lambda: None)
    assert made(path) == [path]
    wait()
    assert made(path) == []


def test_a_file_system_that_does_not_sync_folders(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def refuses(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuses)
    assert made(path) == [path]
    wait()
    assert is_settled(path)


def test_what_is_removed_meanwhile_leaves_no_mark(path: Path) -> None:
    settling.mark(path)
    assert cache.clear() == 0
    assert made(path) == [path]
    wait()
    cache.clear()
    assert not list(path.parent.glob(f"*{settling.MARK}"))


def test_a_making_that_fails_leaves_none(path: Path) -> None:
    def fails() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        cache.made_once(path, fails)
    assert not list(path.parent.glob(f"*{settling.MARK}"))
    assert made(path) == [path]
    wait()
