"""Reads a large folder in a process of its own, whose memory goes with it: makes the recipe, which comes back through a
pipe, and then the form of the tokenizer that is kept (``library_form.py``), while here the weights are carried.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from inferno import errors
from inferno.errors import InfernoError
from inferno.models.huggingface.folder import Folder, open_folder
from inferno.models.huggingface.library_form import read_library_form
from inferno.models.huggingface.planning import Recipe, make_recipe
from inferno.models.huggingface.weight_plan import Planned, Source

# Isolated (-I), so that nothing is imported from the working folder; then with the very path of this process.
_PROGRAM = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from inferno.models.huggingface.planning_process import read_folder
read_folder(*sys.argv[2:])
"""


class PlanningProcess:
    """Begins when it is made. As a context it ends with the process: waited for, or ended on an exception."""

    def __init__(self, folder: Folder, scheme: str | None, kept_tokenizer: Path) -> None:
        """What the process writes to its standard error appears on ours."""
        arguments = [json.dumps(sys.path), str(folder.path.resolve()), scheme or "", str(kept_tokenizer)]
        command = [sys.executable, "-I", "-c", _PROGRAM, *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # noqa: S603

    def recipe(self) -> Recipe:
        """As ``make_recipe``; call it once. Raises InfernoError, too, when the process ends without one."""
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            head, metadata = pipe.readline(), pipe.read()
        if not head.endswith(b"\n"):
            raise InfernoError(f"the process that reads the folder's tensors ended with {self._process.wait()}")
        said: dict[str, Any] = json.loads(head)
        if "error" in said:
            raise getattr(errors, said["error"])(said["message"], param=said["param"])
        if len(metadata) != said["metadata_bytes"]:
            raise InfernoError("the process that reads the folder's tensors ended in the middle of them")
        return Recipe(metadata, [(_planned(tensor), kind) for tensor, kind in said["tensors"]], said["data_bytes"])

    def __enter__(self) -> PlanningProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.wait()


def read_folder(folder: str, scheme: str, kept_tokenizer: str) -> None:
    """What the process does: one line of JSON, behind it the metadata; when these are out, the tokenizer's form."""
    metadata = b""
    said: dict[str, Any]
    try:
        recipe = make_recipe(open_folder(Path(folder)), scheme or None)
        metadata = recipe.metadata
        tensors = [(asdict(tensor), kind) for tensor, kind in recipe.tensors]
        said = {"data_bytes": recipe.data_bytes, "metadata_bytes": len(metadata), "tensors": tensors}
    except InfernoError as error:
        said = {"error": type(error).__name__, "message": error.message, "param": error.param}
    with os.fdopen(os.dup(1), "wb") as pipe:
        pipe.write(json.dumps(said, default=list).encode() + b"\n" + metadata)
    os.dup2(2, 1)  # the pipe's end: the other side goes on
    if "error" not in said:
        # What it raises is not lost: whoever finds no kept form reads the folder's file, and is told the same.
        with contextlib.suppress(InfernoError):
            read_library_form(Path(folder), Path(kept_tokenizer))


def _planned(said: dict[str, Any]) -> Planned:
    sources = tuple(Source(one["name"], one["transpose"], tuple(one["rows"])) for one in said.pop("sources"))
    shape, values = tuple(said.pop("shape")), tuple(said.pop("values"))
    return Planned(**said, shape=shape, sources=sources, values=values)
