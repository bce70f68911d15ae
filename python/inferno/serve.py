"""``python -m inferno.serve [MODEL] …`` is ``inferno serve [MODEL] …``."""

from __future__ import annotations

import sys

from inferno.cli import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
