"""``python -m inferno`` is the ``inferno`` command."""

from __future__ import annotations

from inferno.cli import main

if __name__ == "__main__":
    main()
