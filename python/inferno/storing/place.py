"""Where the store lies, and that nobody else can read it: it holds what people said."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from inferno.errors import ConfigError

FILE_NAME = "responses.db"


def default_place() -> Path:
    """``$XDG_STATE_HOME/inferno/responses.db``, by default under ``~/.local/state``. Not made here."""
    base = os.environ.get("XDG_STATE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
    return root / "inferno" / FILE_NAME


def closed_file(path: Path) -> None:
    """Make the file, and its folder, for their owner alone, or check that the file is so. Raises ConfigError, and
    OSError where the system refuses."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its journals the mode of the file, so that this one decides for all.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"the response store {path} is not a file", param="responses")
    mode = stat.S_IMODE(found.st_mode)
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            f"the response store {path} is open to others (mode {mode:03o}), and would show them what people said: "
            f"chmod 600 {path}",
            param="responses",
        )
