"""A real server process: started on a free port, asked over HTTP, told to stop by signal."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from described.serve import REPORT

SECONDS_TO_START = 120
SECONDS_TO_STOP = 60
"""Far more than either takes: a machine that does other things besides is no failure."""
READ_ALONG = "described.serve"
"""The server as people start it, but that its answers are compared with its description."""
LONGEST_SHOWN = 8000
_TESTS = Path(__file__).parents[1]
_STATE = tempfile.mkdtemp(prefix="inferno-tests-")
atexit.register(shutil.rmtree, _STATE, ignore_errors=True)
_LISTENING = re.compile(r"Inferno is listening on (http://\S+) \(model (\S+)\)")


@dataclass
class Server:
    process: subprocess.Popen[str]
    url: str
    model: str

    def client(self) -> httpx.Client:
        # To read the certificates that nobody asks for takes longer than most answers.
        return httpx.Client(base_url=self.url, timeout=SECONDS_TO_START, verify=False)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS_TO_STOP)

    def metric(self, name: str, label: str = "", *, key: str | None = None) -> float:
        """Sum of a metric over its labels, or over those with ``label``. Raises LookupError when it is not there."""
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        with self.client() as client:
            lines = client.get("/metrics", headers=headers).text.splitlines()
        values = [float(line.split()[-1]) for line in lines if re.match(rf"{name}(\{{|\s)", line) and label in line]
        if not values:
            raise LookupError(name)
        return sum(values)


def command(*arguments: str, module: str = "inferno.serve") -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def environment() -> dict[str, str]:
    """Ours, without settings; what servers keep goes nowhere near what the person who runs the tests has kept."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("INFERNO_")}
    return {**plain, "XDG_STATE_HOME": _STATE}


def _paths() -> list[str]:
    """Where the server finds modules besides those that are installed: ours, and what the test put there."""
    return [str(_TESTS), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_TO_STOP
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)


@contextmanager
def running(*arguments: str, cwd: Path | None = None, module: str = READ_ALONG) -> Iterator[Server]:
    """Start with ``--port 0`` and wait for the line that names the port; kill it afterwards if it still runs.

    What it answered that is not as its own description says fails at the end.
    """
    # A file, since nobody reads it: a pipe that is full would stop the server in the middle of a line of its log.
    with tempfile.TemporaryFile("w+") as log, tempfile.NamedTemporaryFile("r", encoding="utf-8") as wrong:
        process = subprocess.Popen(
            command(*arguments, "--port", "0", module=module),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=cwd,
            env={**environment(), "PYTHONPATH": os.pathsep.join(_paths()), REPORT: wrong.name},
        )
        watchdog = threading.Timer(SECONDS_TO_START, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            watchdog.cancel()
            listening = _LISTENING.match(line)
            if listening is None:
                process.kill()
                process.wait()
                log.seek(0)
                raise AssertionError(f"no listening line, but {line!r} and {log.read()}")
            yield Server(process, listening[1], listening[2])
        finally:
            watchdog.cancel()
            process.kill()
            process.communicate()
        found = wrong.read()
        assert not found, found[:LONGEST_SHOWN]
