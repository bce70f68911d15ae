"""The prompt of a model that fills a gap: the texts around it, and the tokens that it saw there in training. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inferno.engine.encoder import Segment
from inferno.engine.request import Gap
from inferno.errors import Unsupported

Marks = tuple[int, int, int, int, int]
"""Before a prefix, a suffix, what comes between; before a collection of files and each file's name. -1: it has none."""

COLLECTION = "project\n"
FILE = "file\n"
"""What stands for names that no request says."""


def gap_segments(gap: Gap, marks: Marks | None) -> list[Segment]:
    """Raises Unsupported for a model without marks."""
    if marks is None:
        raise Unsupported(
            f"this model was not trained to fill a gap: its vocabulary has no tokens for it; leave '{gap.param}' out",
            param=gap.param,
        )
    prefix, suffix, middle, *of_files = marks
    return [*_files(gap.files, *of_files), prefix, gap.before, suffix, gap.after, middle]


def _files(files: Sequence[tuple[str, str]], collection: int, file: int) -> Iterator[Segment]:
    """What models have seen in front of the gap; of one without a mark for files, their names and texts alone."""
    if not files:
        return
    marked = file >= 0
    if marked and collection >= 0:
        yield from (collection, COLLECTION)
    for name, text in files:
        if marked:
            yield file
        yield f"{name}\n{text}\n"
    if marked:
        yield from (file, FILE)
