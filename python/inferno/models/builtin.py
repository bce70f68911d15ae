"""The model inside the package. ``ember`` is tiny: good for a first answer and for tests, not for work."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from inferno.errors import NotFound

EMBER = "ember"


def ember_path() -> Path:
    """Where ``ember`` lies. Raises NotFound when this installation came without it."""
    path = Path(str(files("inferno.models") / "ember.gguf"))
    if not path.is_file():
        raise NotFound("this installation came without the built-in model 'ember'; name a GGUF file instead")
    return path
