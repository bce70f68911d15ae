"""A search that was stopped goes on where it was, and only that search."""

from __future__ import annotations

from pathlib import Path

from inferno.tuning.journal import Journal
from inferno.tuning.search import Sample
from inferno.tuning.space import DEFAULTS, Candidate

OTHER: Candidate = (("model.threads", 1), ("engine.step_target_ms", 200.0))


class Machine:
    def __init__(self) -> None:
        self.asked: list[tuple[Candidate, int]] = []

    async def measure(self, candidate: Candidate, number: int) -> Sample:
        self.asked.append((candidate, number))
        return Sample(10.0 + number, 0.1, 0.2, 1.0, None if candidate else "no")


async def test_what_is_known_is_not_measured_again(tmp_path: Path) -> None:
    machine, path = Machine(), tmp_path / "below" / "a.journal"
    before = Journal(path, {"model": "a"}).remembering(machine.measure)
    samples = [await before(DEFAULTS, 0), await before(OTHER, 0), await before(OTHER, 1)]
    after = Journal(path, {"model": "a"}).remembering(machine.measure)
    assert [await after(DEFAULTS, 0), await after(OTHER, 0), await after(OTHER, 1)] == samples
    assert len(machine.asked) == 3
    await after(OTHER, 2)
    assert machine.asked[3:] == [(OTHER, 2)]


async def test_another_search_begins_anew(tmp_path: Path) -> None:
    machine, path = Machine(), tmp_path / "a.journal"
    await Journal(path, {"budget": 60}).remembering(machine.measure)(DEFAULTS, 0)
    await Journal(path, {"budget": 90}).remembering(machine.measure)(DEFAULTS, 0)
    assert len(machine.asked) == 2


async def test_a_line_that_was_cut_is_measured_again(tmp_path: Path) -> None:
    machine, path = Machine(), tmp_path / "a.journal"
    journal = Journal(path, {}).remembering(machine.measure)
    await journal(DEFAULTS, 0)
    await journal(OTHER, 0)
    path.write_bytes(path.read_bytes()[:-20])
    again = Journal(path, {}).remembering(machine.measure)
    await again(DEFAULTS, 0)
    await again(OTHER, 0)
    assert machine.asked == [(DEFAULTS, 0), (OTHER, 0), (OTHER, 0)]


def test_what_was_found_first_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    assert Journal(path, {}).fact("turns", 7) == 7
    assert Journal(path, {}).fact("turns", 3) == 7


def test_it_can_be_removed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.journal", {})
    journal.remove()
    journal.remove()
    assert not list(tmp_path.iterdir())
