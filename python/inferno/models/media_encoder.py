"""Where a model's media encoder is: named, or beside the model's file. Goes by names; reads no file."""

from __future__ import annotations

import re
from pathlib import Path

from inferno.errors import InvalidArgument, NotFound

NO_MEDIA = "none"
"""In place of a path: the model is served for text alone."""

_PART = re.compile(r"-\d{5}-of-\d{5}$")


def named_or_beside(mmproj: str | None, model: str, *, looks_beside: bool) -> str | None:
    """The path of the media encoder, None without one. Of a model's file that is not named: a file beside it with
    ``mmproj`` in its name, if the folder has no other model, or the name has that of the model.

    Raises NotFound, and InvalidArgument when there are several to choose from.
    """
    if mmproj == NO_MEDIA:
        return None
    if mmproj is not None:
        if not mmproj.startswith("fake:") and not Path(mmproj).expanduser().is_file():
            raise NotFound(f"{mmproj}: no such media encoder", param="mmproj")
        return str(Path(mmproj).expanduser()) if not mmproj.startswith("fake:") else mmproj
    path = Path(model)
    return _beside(path) if looks_beside and path.is_file() else None


def is_media_encoder(path: Path) -> bool:
    """Whether its name says so."""
    return "mmproj" in path.name.lower() and path.suffix.lower() == ".gguf"


def _beside(model: Path) -> str | None:
    ggufs = [entry for entry in model.parent.iterdir() if entry.suffix.lower() == ".gguf"]
    encoders = sorted(entry for entry in ggufs if is_media_encoder(entry))
    models = {_PART.sub("", entry.stem) for entry in ggufs if not is_media_encoder(entry)}
    own = _PART.sub("", model.stem)
    if models != {own}:
        encoders = [entry for entry in encoders if own.lower() in entry.stem.lower()]
    if len(encoders) > 1:
        names = ", ".join(entry.name for entry in encoders)
        raise InvalidArgument(
            f"{len(encoders)} media encoders stand beside the model ({names}); name one with --mmproj, or none of them"
            " with --mmproj none",
            param="mmproj",
        )
    return str(encoders[0]) if encoders else None
