"""Log lines of the process, ours and the native module's, on stderr. No line holds prompt or output text."""

from __future__ import annotations

import logging
import time


class LineFormatter(logging.Formatter):
    """Writes the time once a second: most lines of a busy server have that of the line before."""

    _written = (0, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        second, text = self._written
        if second != int(record.created):
            second = int(record.created)
            text = time.strftime(self.default_time_format, self.converter(second))
            self._written = second, text
        return f"{text},{int(record.msecs):03d}"


def configure_logging(level: str) -> None:
    """``level`` is debug, info, warning or error. Of the native module, less than "warning" is shown at debug only."""
    from inferno.engine.core import forward_logs

    # Asked for in every line, and in none of them: see "Optimization" in Python's own description of its logging.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    threshold = logging.getLevelName(level.upper())
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=threshold, handlers=[handler])
    native = logging.getLogger("inferno.native")
    native.setLevel(threshold if level == "debug" else max(threshold, logging.WARNING))
    forward_logs(lambda line_level, component, text: native.getChild(component).log(line_level, "%s", text.rstrip()))
