"""Samples are written down as they come, so that a search that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from inferno.tuning.search import Measure, Sample
from inferno.tuning.space import Candidate

_Value = TypeVar("_Value", int, str)


class Journal:
    """One JSON line that says what is searched, then one for each sample. Of one process at a time."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        """Reads what is there if it is of the same search (``header``, JSON values), else begins anew. Raises OSError
        when it cannot be written."""
        self._path = path
        self._known: dict[tuple[Candidate, int], Sample] = {}
        self._facts: dict[str, Any] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = _lines(path)
        if lines[:1] == [json.loads(json.dumps(header))]:
            for line in lines[1:]:
                if "fact" in line:
                    self._facts[line["fact"]] = line["value"]
                    continue
                candidate = tuple((key, value) for key, value in line["candidate"])
                self._known[candidate, line["round"]] = Sample(**line["sample"])
        else:
            path.write_text(json.dumps(header) + "\n", encoding="utf-8")

    def fact(self, name: str, found: _Value) -> _Value:
        """What was found the first time (a JSON value), now or earlier."""
        if name not in self._facts:
            self._facts[name] = found
            self._write({"fact": name, "value": found})
        known: _Value = self._facts[name]
        return known

    def remembering(self, measure: Measure) -> Measure:
        """``measure``, asked only for what is not known."""

        async def remembered(candidate: Candidate, number: int) -> Sample:
            known = self._known.get((candidate, number))
            if known is not None:
                return known
            sample = await measure(candidate, number)
            self._write({"candidate": candidate, "round": number, "sample": asdict(sample)})
            return sample

        return remembered

    def _write(self, line: Mapping[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def _lines(path: Path) -> list[Any]:
    """Up to the first line that is not whole: the process may have been killed while it wrote that."""
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for text in texts:
        try:
            found.append(json.loads(text))
        except ValueError:
            break
    return found
