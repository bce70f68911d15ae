"""The store on its own: what is written is found again by its tenant only; what does not check is not believed."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from inferno.engine.prefix_store import FIRST_TOKENS, PrefixStore
from inferno.errors import ConfigError

IDENTITY = ("model digest", "0.1", "abc", "fake")
LIMIT = 1 << 20
PAYLOAD = bytes(range(256)) * 4
TOKENS = list(range(100, 100 + 96))


def opened(folder: Path, *, identity: tuple[str, ...] = IDENTITY, limit: int = LIMIT) -> PrefixStore:
    return PrefixStore(folder / "store", limit_bytes=limit, identity=identity)


def only_file(folder: Path) -> Path:
    (path,) = (folder / "store").glob("*/*.prefix")
    return path


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A folder with one prefix of tenant "a" in it."""
    opened(tmp_path).write("a", TOKENS, memoryview(PAYLOAD))
    return tmp_path


def test_what_was_written_is_there_after_a_restart(stored: Path) -> None:
    store = opened(stored)
    found = store.find("a", [*TOKENS, 7, 8, 9])
    assert found is not None
    assert found.shared == len(TOKENS)
    assert store.read(found.path) == (TOKENS, PAYLOAD)
    assert store.stats().files == 1
    assert store.stats().used_bytes == only_file(stored).stat().st_size


def test_a_shared_beginning_is_found_by_its_length(stored: Path) -> None:
    store = opened(stored)
    found = store.find("a", [*TOKENS[:70], 1, 2, 3])
    assert found is not None
    assert found.shared == 70
    assert store.find("a", [*TOKENS[: FIRST_TOKENS - 1], 1, 2, 3]) is None
    assert store.find("a", TOKENS[:10]) is None


def test_another_tenant_finds_nothing_and_nothing_names_the_owner(stored: Path) -> None:
    assert opened(stored).find("b", TOKENS) is None
    path = only_file(stored)
    assert b"tenant" not in path.read_bytes()
    opened(stored).write("a-rather-long-tenant-name", TOKENS, memoryview(PAYLOAD))
    assert all(b"a-rather-long-tenant-name" not in file.read_bytes() for file in path.parent.iterdir())


def test_only_the_owner_can_read_it(stored: Path) -> None:
    assert (stored / "store").stat().st_mode & 0o777 == 0o700
    assert only_file(stored).parent.stat().st_mode & 0o777 == 0o700
    assert only_file(stored).stat().st_mode & 0o777 == 0o600
    assert (stored / "store" / "key").stat().st_mode & 0o777 == 0o600


def test_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store").chmod(0o755)
    with pytest.raises(ConfigError, match="chmod 700"):
        opened(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        opened(tmp_path)


def test_a_broken_key_is_refused(stored: Path) -> None:
    (stored / "store" / "key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="not a key"):
        opened(stored)


@pytest.mark.parametrize("position", range(4))
def test_another_model_build_or_form_finds_nothing_and_deletes_nothing(stored: Path, position: int) -> None:
    identity = tuple("other" if at == position else part for at, part in enumerate(IDENTITY))
    store = opened(stored, identity=identity)
    assert store.find("a", TOKENS) is None
    assert store.stats().files == 1
    assert store.stats().rejected == 0
    assert opened(stored).find("a", TOKENS) is not None


def test_a_file_that_was_moved_to_another_models_folder_is_not_believed(stored: Path) -> None:
    other = (*IDENTITY[:-1], "other")
    opened(stored, identity=other)
    path = only_file(stored)
    (elsewhere,) = (place for place in (stored / "store").iterdir() if place.is_dir() and place != path.parent)
    path.rename(elsewhere / path.name)
    store = opened(stored, identity=other)
    assert store.find("a", TOKENS) is None
    assert store.stats().rejected == 1


def test_what_an_adapter_computed_is_its_own(stored: Path) -> None:
    store = opened(stored)
    store.write("a", TOKENS, memoryview(PAYLOAD[::-1]), b"1" * 32)
    found = {adapter: store.find("a", TOKENS, adapter) for adapter in (b"", b"1" * 32, b"2" * 32)}
    payloads = {adapter: one and store.read(one.path) for adapter, one in found.items()}
    assert payloads == {b"": (TOKENS, PAYLOAD), b"1" * 32: (TOKENS, PAYLOAD[::-1]), b"2" * 32: None}


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def replaced(at: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + new + content[at + len(new) :]


IN_HEAD = {
    "empty": lambda content: b"",
    "truncated head": lambda content: content[:50],
    "truncated tokens": lambda content: content[:170],
    "truncated payload": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "magic": flipped(0),
    "identity": flipped(10),
    "tenant": flipped(50),
    "count": flipped(72),
    "huge count": replaced(72, struct.pack("<I", 2**32 - 1)),
    "payload size": flipped(76),
    "huge payload size": replaced(76, struct.pack("<Q", 2**64 - 1)),
    "payload digest": flipped(90),
    "head digest": flipped(130),
    "token": flipped(160),
}
IN_PAYLOAD = {
    "first byte": flipped(148 + 4 * len(TOKENS)),
    "last byte": lambda content: content[:-1] + bytes([content[-1] ^ 0x80]),
}


@pytest.mark.parametrize("change", IN_HEAD.values(), ids=IN_HEAD.keys())
def test_a_head_that_does_not_check_is_deleted_at_the_start(stored: Path, change: Callable[[bytes], bytes]) -> None:
    path = only_file(stored)
    path.write_bytes(change(path.read_bytes()))
    store = opened(stored)
    assert store.find("a", TOKENS) is None
    assert store.stats().rejected == 1
    assert not path.exists()


@pytest.mark.parametrize("change", IN_PAYLOAD.values(), ids=IN_PAYLOAD.keys())
def test_a_payload_that_does_not_check_is_deleted_when_it_is_read(
    stored: Path, change: Callable[[bytes], bytes]
) -> None:
    path = only_file(stored)
    path.write_bytes(change(path.read_bytes()))
    store = opened(stored)
    found = store.find("a", TOKENS)
    assert found is not None
    assert store.read(found.path) is None
    assert store.stats().rejected == 1
    assert store.find("a", TOKENS) is None
    assert not path.exists()


@pytest.mark.parametrize("change", [*IN_HEAD.values(), *IN_PAYLOAD.values()])
def test_what_changes_while_the_store_is_open_is_not_believed_either(
    stored: Path, change: Callable[[bytes], bytes]
) -> None:
    store = opened(stored)
    path = only_file(stored)
    path.write_bytes(change(path.read_bytes()))
    assert store.read(path) is None
    assert store.stats().rejected == 1


def test_a_file_of_another_store_or_tenant_is_not_ours(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    opened(elsewhere).write("a", TOKENS, memoryview(PAYLOAD))
    path = only_file(stored)
    path.write_bytes(only_file(elsewhere).read_bytes())
    assert opened(stored).stats().rejected == 1

    opened(stored).write("a", TOKENS, memoryview(PAYLOAD))
    opened(stored).write("b", TOKENS, memoryview(PAYLOAD[::-1]))
    mine, theirs = sorted(only_file(elsewhere).parent.glob("*.prefix")), sorted(path.parent.glob("*.prefix"))
    assert len(mine) == 1
    assert len(theirs) == 2
    theirs[0].write_bytes(theirs[1].read_bytes())
    assert opened(stored).stats().rejected == 1


def test_a_link_is_not_followed(stored: Path) -> None:
    path = only_file(stored)
    target = stored / "target"
    path.rename(target)
    path.symlink_to(target)
    store = opened(stored)
    assert store.find("a", TOKENS) is None
    assert store.stats().failed == 1


def test_a_file_that_is_gone_is_forgotten(stored: Path) -> None:
    store = opened(stored)
    only_file(stored).unlink()
    found = store.find("a", TOKENS)
    assert found is not None
    assert store.read(found.path) is None
    assert store.find("a", TOKENS) is None
    assert store.stats().failed == 1


def test_the_least_recently_used_go_first_over_all_models(tmp_path: Path) -> None:
    limit = 4 * 1570  # files
    other = opened(tmp_path, identity=("other", "", "", ""), limit=limit)
    other.write("a", TOKENS, memoryview(PAYLOAD))
    for at, path in enumerate((tmp_path / "store").glob("*/*.prefix")):
        os.utime(path, (at + 1, at + 1))
    store = opened(tmp_path, limit=limit)
    for first in range(1, 4):
        store.write("a", [first, *TOKENS], memoryview(PAYLOAD))
        found = store.find("a", [first, *TOKENS])
        assert found is not None
        os.utime(found.path, (first * 100, first * 100))
    oldest = store.find("a", [1, *TOKENS])
    assert oldest is not None
    store.read(oldest.path)  # a use
    store.write("a", [4, *TOKENS], memoryview(PAYLOAD))
    store.write("a", [5, *TOKENS], memoryview(PAYLOAD))
    kept = [first for first in range(1, 6) if store.find("a", [first, *TOKENS])]
    assert kept == [1, 3, 4, 5], "first the other model's, then 2: 1 was used since"
    stats = store.stats()
    assert stats.evicted == 2
    assert stats.used_bytes <= limit
    assert sum(path.stat().st_size for path in (tmp_path / "store").glob("*/*.prefix")) == stats.used_bytes


def test_a_smaller_bound_is_kept_from_the_start(stored: Path) -> None:
    store = opened(stored, limit=100)
    assert store.stats().files == 0
    store.write("a", TOKENS, memoryview(PAYLOAD))
    assert store.stats().files == 0
    assert store.stats().written == 0


def test_a_longer_prefix_takes_the_place_of_its_beginnings(stored: Path) -> None:
    store = opened(stored)
    store.write("a", [*TOKENS, *range(64)], memoryview(PAYLOAD))
    assert store.stats().files == 1
    store.write("a", TOKENS, memoryview(PAYLOAD))
    assert store.stats().files == 1
    assert store.stats().written == 1


def test_what_the_backend_does_not_understand_is_deleted(stored: Path) -> None:
    store = opened(stored)
    store.reject("a", TOKENS)
    assert store.find("a", TOKENS) is None
    assert not list((stored / "store").glob("*/*.prefix"))


def test_a_disk_that_cannot_be_written_is_no_failure(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    store = opened(stored)
    monkeypatch.setattr(os, "replace", full)
    store.write("a", [9, *TOKENS], memoryview(PAYLOAD))
    assert store.stats().failed == 1
    assert not list((stored / "store").glob("*/*.tmp"))


def test_leftovers_of_a_process_that_died_are_removed(stored: Path) -> None:
    folder = only_file(stored).parent
    old, new = folder / "x.prefix.1.tmp", folder / "y.prefix.2.tmp"
    old.write_bytes(b"x")
    new.write_bytes(b"y")
    os.utime(old, (1, 1))
    opened(stored)
    assert not old.exists()
    assert new.exists()
