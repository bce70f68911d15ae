"""Log lines of the process, ours and the native module's, on stderr. No line holds prompt or output text."""

from __future__ import annotations

import logging


def configure_logging(level: str) -> None:
    """``level`` is debug, info, warning or error. Of the native module, less than "warning" is shown at debug only."""
    from inferno.engine.core import forward_logs

    # Asked for in every line, and in none of them: see "Optimization" in Python's own description of its logging.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    threshold = logging.getLevelName(level.upper())
    logging.basicConfig(level=threshold, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    native = logging.getLogger("inferno.native")
    native.setLevel(threshold if level == "debug" else max(threshold, logging.WARNING))
    forward_logs(lambda line_level, component, text: native.getChild(component).log(line_level, "%s", text.rstrip()))
