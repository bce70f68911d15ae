"""``python -m described.serve [MODEL] …`` is ``python -m inferno.serve [MODEL] …``, with every answer read along.

What is not as described is written to the file that the variable REPORT names, a line for each.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

REPORT = "TESTS_REPORT_ANSWERS_TO"


def _report(problem: str) -> None:
    with Path(os.environ[REPORT]).open("a", encoding="utf-8") as file:
        file.write(problem.replace("\n", " ") + "\n")


def main() -> None:
    import inferno.server.app as module
    from described.middleware import reading_along
    from inferno.cli import main as inferno_main

    module.build_app = reading_along(module.build_app, _report)
    inferno_main(["serve", *sys.argv[1:]])


if __name__ == "__main__":
    main()
