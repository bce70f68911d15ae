"""The names of a model in several GGUF files, as llama.cpp's gguf-split writes them: NAME-00001-of-00003.gguf, …"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inferno.errors import NotFound

_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class ModelPart:
    folder: Path
    stem: str
    number: int
    """From 1 on."""
    count: int

    def all(self) -> list[Path]:
        """The files of the whole model, in order, whether they are there or not."""
        numbers = range(1, self.count + 1)
        return [self.folder / f"{self.stem}-{number:05}-of-{self.count:05}.gguf" for number in numbers]

    def check_whole(self) -> None:
        """Raises NotFound, naming them, when files are missing."""
        missing = [file.name for file in self.all() if not file.is_file()]
        if missing:
            names = ", ".join(missing[:_MOST_NAMED]) + (", …" if len(missing) > _MOST_NAMED else "")
            raise NotFound(f"{self.stem}: of the model's {self.count} files these are not there: {names}")


def model_part(path: Path) -> ModelPart | None:
    """What the file's name says; None when it is not the name of a part."""
    found = _NAME.fullmatch(path.name)
    if found is None or not 1 <= int(found["number"]) <= int(found["count"]):
        return None
    return ModelPart(path.parent, found["stem"], int(found["number"]), int(found["count"]))


def same_model(files: Sequence[Path]) -> bool:
    """Whether all are parts of one model, which need not be whole."""
    parts = [model_part(file) for file in files]
    return None not in parts and len({(part.stem, part.count) for part in parts if part is not None}) == 1
