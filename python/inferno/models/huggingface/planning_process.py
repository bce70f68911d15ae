"""Makes a folder's recipe in a process of its own, whose memory goes with it, and hands it over through a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inferno import errors
from inferno.errors import InfernoError
from inferno.models.huggingface.folder import Folder, open_folder
from inferno.models.huggingface.planning import Recipe, make_recipe
from inferno.models.huggingface.weight_plan import Planned, Source

# Isolated (-I), so that nothing is imported from the working folder; then with the very path of this process.
_PROGRAM = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from inferno.models.huggingface.planning_process import write_recipe
write_recipe(*sys.argv[2:])
"""


def recipe_apart(folder: Folder, scheme: str | None) -> Recipe:
    """As ``make_recipe``. What the process writes to its standard error appears on ours.

    Raises InfernoError, too, when it ends without a recipe.
    """
    arguments = [json.dumps(sys.path), str(folder.path.resolve()), scheme or ""]
    command = [sys.executable, "-I", "-c", _PROGRAM, *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)  # noqa: S603
    if done.returncode != 0:
        raise InfernoError(f"the process that reads the folder's tensors ended with {done.returncode}")
    head, _, metadata = done.stdout.partition(b"\n")
    said: dict[str, Any] = json.loads(head)
    if "error" in said:
        raise getattr(errors, said["error"])(said["message"], param=said["param"])
    return Recipe(metadata, [(_planned(tensor), kind) for tensor, kind in said["tensors"]], said["data_bytes"])


def write_recipe(folder: str, scheme: str) -> None:
    """What the process does: one line of JSON, and behind it the metadata."""
    metadata = b""
    said: dict[str, Any]
    try:
        recipe = make_recipe(open_folder(Path(folder)), scheme or None)
        metadata = recipe.metadata
        tensors = [(asdict(tensor), kind) for tensor, kind in recipe.tensors]
        said = {"data_bytes": recipe.data_bytes, "tensors": tensors}
    except InfernoError as error:
        said = {"error": type(error).__name__, "message": error.message, "param": error.param}
    with os.fdopen(1, "wb", closefd=False) as pipe:
        pipe.write(json.dumps(said, default=list).encode() + b"\n" + metadata)


def _planned(said: dict[str, Any]) -> Planned:
    sources = tuple(Source(one["name"], one["transpose"], tuple(one["rows"])) for one in said.pop("sources"))
    shape, values = tuple(said.pop("shape")), tuple(said.pop("values"))
    return Planned(**said, shape=shape, sources=sources, values=values)
