from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from inferno.errors import ConfigError, Unavailable
from inferno.storing.alive import Alive
from inferno.storing.records import Ending, NewRecord, Records, StoredItem
from inferno.storing.store import open_store

DAY = 86400.0
LIMIT = 1 << 20


@dataclass
class Clock:
    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(tmp_path: Path, clock: Clock) -> Iterator[Records]:
    with_clock = Records(tmp_path / "r.db", limit_bytes=LIMIT, keep_seconds=DAY, clock=clock)
    yield with_clock
    with_clock.close()


def item(id_: str, size: int = 10) -> StoredItem:
    return StoredItem(id_, id_.encode().ljust(size, b"."))


def response(
    id_: str,
    *,
    tenant: str = "t",
    context: tuple[StoredItem, ...] = (),
    input: tuple[StoredItem, ...] = (),  # noqa: A002
    output: tuple[StoredItem, ...] = (),
    running: bool = False,
    conversation: str | None = None,
) -> NewRecord:
    return NewRecord(
        id=id_,
        kind="response",
        tenant=tenant,
        created=0,
        body=b"{}",
        running=running,
        parts=(("context", context), ("input", input), ("output", output)),
        conversation=conversation,
    )


def everything(records: Records, id_: str) -> list[str]:
    return [found.id for found in records.items(id_, ("context", "input", "output"))]


def stored_items(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM items").fetchone()
    connection.close()
    return int(count)


def test_a_record_is_its_tenants_alone(records: Records) -> None:
    records.add(response("a", input=(item("i"),), output=(item("o"),)))
    found = records.find("t", "a", "response")
    assert found is not None
    assert (found.body, found.running, found.output) == (b"{}", None, (item("o").body,))
    assert records.find("other", "a", "response") is None
    assert records.find("t", "a", "conversation") is None
    assert records.item("other", "i") is None
    assert not records.delete("other", "a", "response")
    assert not records.finish("other", "a", Ending(b"forged"))
    assert records.find("t", "a", "response") == found


def test_what_was_said_is_kept_once_and_outlives_the_response_it_came_with(records: Records, tmp_path: Path) -> None:
    records.add(response("a", input=(item("i"),), output=(item("o"),)))
    before = tuple(records.items("a", ("context", "input", "output")))
    records.add(response("b", context=before, input=(item("i2"),)))
    assert stored_items(tmp_path / "r.db") == 3
    assert records.delete("t", "a", "response")
    assert records.find("t", "a", "response") is None
    assert everything(records, "b") == ["i", "o", "i2"]
    assert records.delete("t", "b", "response")
    assert stored_items(tmp_path / "r.db") == 0


def test_what_went_while_a_response_was_made_is_stored_with_it(records: Records) -> None:
    records.add(response("a", input=(item("i"),)))
    before = tuple(records.items("a", ("input",)))
    records.delete("t", "a", "response")
    records.add(response("b", context=before))
    assert everything(records, "b") == ["i"]


def test_an_item_is_found_by_its_id_while_a_record_has_it(records: Records, clock: Clock) -> None:
    records.add(response("a", input=(item("i"),)))
    records.add(response("b", input=(StoredItem("i", b"newer"),)))
    found = records.item("t", "i")
    assert found is not None
    assert found.body == b"newer"
    records.delete("t", "b", "response")
    found = records.item("t", "i")
    assert found is not None
    assert found.body == item("i").body
    clock.now += 2 * DAY
    assert records.item("t", "i") is None


def test_records_expire(records: Records, clock: Clock, tmp_path: Path) -> None:
    records.add(response("a", input=(item("i"),)))
    clock.now += DAY / 2
    records.add(response("b", input=(item("i2"),)))
    clock.now += DAY / 2
    assert records.find("t", "a", "response") is None
    assert records.find("t", "b", "response") is not None
    records.add(response("c"))
    assert stored_items(tmp_path / "r.db") == 1


def test_over_the_limit_the_oldest_go_of_whoever_has_most(tmp_path: Path, clock: Clock) -> None:
    records = Records(tmp_path / "s.db", limit_bytes=100_000, keep_seconds=DAY, clock=clock)
    records.add(response("quiet", tenant="quiet", input=(item("q", 5_000),)))
    for number in range(40):
        clock.now += 1
        records.add(response(f"loud{number}", tenant="loud", input=(item(f"l{number}", 5_000),)))
    kept = [number for number in range(40) if records.find("loud", f"loud{number}", "response")]
    assert records.find("quiet", "quiet", "response") is not None
    assert kept == list(range(40 - len(kept), 40))
    assert 8 <= len(kept) <= 16
    with pytest.raises(Unavailable, match="100000 bytes"):
        records.add(response("huge", tenant="loud", input=(item("h", 200_000),)))
    assert records.find("loud", "huge", "response") is None
    assert records.find("quiet", "quiet", "response") is not None
    records.close()
    assert (tmp_path / "s.db").stat().st_size < 300_000


def test_many_small_records_are_bounded_too(tmp_path: Path, clock: Clock) -> None:
    records = Records(tmp_path / "s.db", limit_bytes=50_000, keep_seconds=DAY, clock=clock)
    for number in range(100):
        clock.now += 1
        records.add(response(f"r{number}"))
    assert sum(records.find("t", f"r{number}", "response") is not None for number in range(100)) < 50
    records.close()


def test_a_response_that_runs_is_finished_once_and_not_after_it_was_deleted(records: Records) -> None:
    records.add(response("a", input=(item("i"),), running=True))
    found = records.find("t", "a", "response")
    assert found is not None
    assert found.running == records.owner
    assert records.finish("t", "a", Ending(b"done", (item("o"),), b"events"))
    found = records.find("t", "a", "response")
    assert found is not None
    assert (found.body, found.running, found.output) == (b"done", None, (item("o").body,))
    assert records.events("t", "a") == b"events"
    assert records.events("other", "a") is None
    records.delete("t", "a", "response")
    assert not records.finish("t", "a", Ending(b"late"))


def test_what_a_dead_process_was_at_work_on_is_found_and_what_a_living_one_is_not(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "r.db"
    dead = Records(path, limit_bytes=LIMIT, keep_seconds=DAY, clock=clock)
    dead.add(response("orphan", running=True))
    living = Records(path, limit_bytes=LIMIT, keep_seconds=DAY, clock=clock)
    living.add(response("mine", running=True))
    third = Records(path, limit_bytes=LIMIT, keep_seconds=DAY, clock=clock)
    assert third.orphans() == []
    dead.close()
    assert third.orphans() == [("t", "orphan", b"{}")]
    living.close()
    third.close()
    assert [left.name for left in tmp_path.iterdir()] == ["r.db"]


def test_a_mark_that_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "r.db-deadbeef.alive"
    left.touch()
    alive = Alive(tmp_path / "r.db")
    assert not alive.lives("deadbeef")
    assert not left.exists()
    assert alive.lives(alive.owner)
    alive.close()


def test_a_conversation_is_added_to_in_order_and_kept_while_it_is(records: Records, clock: Clock) -> None:
    records.add(NewRecord(id="c", kind="conversation", tenant="t", created=0, body=b"{}"))
    clock.now += DAY - 1
    assert records.append("t", "c", [item("first")])
    assert not records.append("other", "c", [item("x")])
    records.add(response("a", input=(item("i"),), output=(item("o"),), conversation="c"))
    records.add(response("b", input=(item("i2"),), running=True))
    records.finish("t", "b", Ending(b"{}", (item("o2"),), conversation="c"))
    clock.now += DAY - 1
    assert records.find("t", "c", "conversation") is not None
    assert everything(records, "c") == ["first", "i", "o", "i2", "o2"]
    assert records.take_out("t", "c", "o")
    assert not records.take_out("t", "c", "o")
    assert everything(records, "c") == ["first", "i", "i2", "o2"]
    assert everything(records, "a") == ["i", "o"]
    assert records.change("t", "c", b"changed")
    assert not records.change("t", "a", b"changed")
    records.delete("t", "c", "conversation")
    records.add(response("d", conversation="c"))


def test_deleted_text_is_gone_from_the_file(tmp_path: Path, clock: Clock) -> None:
    records = Records(tmp_path / "r.db", limit_bytes=LIMIT, keep_seconds=DAY, clock=clock)
    records.add(response("a", input=(StoredItem("i", b"a very secret sentence"),)))
    records.delete("t", "a", "response")
    records.close()
    assert b"very secret" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_the_file_is_closed_to_others_and_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "state" / "r.db"
    store = open_store(str(path), limit_bytes=LIMIT, keep_seconds=DAY)
    assert store is not None
    for made in path.parent.iterdir():
        assert stat.S_IMODE(made.stat().st_mode) == 0o600, made.name
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    store._records.close()
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_store(str(path), limit_bytes=LIMIT, keep_seconds=DAY)


def test_what_is_no_store_is_refused_and_off_is_off(tmp_path: Path) -> None:
    assert open_store("off", limit_bytes=LIMIT, keep_seconds=DAY) is None
    (tmp_path / "text").write_text("not a database, and long enough to be told from an empty one" * 20)
    (tmp_path / "text").chmod(0o600)
    with pytest.raises(ConfigError, match="not a database"):
        open_store(str(tmp_path / "text"), limit_bytes=LIMIT, keep_seconds=DAY)
    with pytest.raises(ConfigError):
        open_store(str(tmp_path), limit_bytes=LIMIT, keep_seconds=DAY)
    with sqlite3.connect(tmp_path / "newer.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    (tmp_path / "newer.db").chmod(0o600)
    with pytest.raises(ConfigError, match="version 99"):
        open_store(str(tmp_path / "newer.db"), limit_bytes=LIMIT, keep_seconds=DAY)


def test_where_the_usual_place_cannot_be_used_nothing_is_stored_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert open_store(None, limit_bytes=LIMIT, keep_seconds=DAY) is None
    assert "responses are not stored" in caplog.text
