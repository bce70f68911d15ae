"""Log lines look as Python's own formatter writes them."""

from __future__ import annotations

import logging

import pytest

from inferno.cli.logs import LineFormatter

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def test_lines_are_those_of_pythons_formatter() -> None:
    ours, pythons = LineFormatter(FORMAT), logging.Formatter(FORMAT)
    for created in (1_700_000_000.0, 1_700_000_000.999, 1_700_000_001.25, 1_700_000_000.5):
        record = logging.LogRecord("inferno.access", logging.INFO, "", 0, "%d things", (3,), None)
        record.created, record.msecs = created, int(created % 1 * 1000) + 0.0
        assert ours.format(record) == pythons.format(record)


def test_a_second_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[float] = []
    converter = logging.Formatter.converter
    monkeypatch.setattr(LineFormatter, "converter", lambda self, second: written.append(second) or converter(second))
    formatter = LineFormatter(FORMAT)
    for created in (5.0, 5.5, 6.0):
        record = logging.LogRecord("a", logging.INFO, "", 0, "", (), None)
        record.created = created
        formatter.format(record)
    assert written == [5, 6]
