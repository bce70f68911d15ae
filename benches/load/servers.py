"""The servers that are compared: how each is started on a plan, known to be ready, and stopped. Linux (reads /proc)."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benches.load.client import Endpoint

_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.005
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a server is asked to hold. Every server gets the same cells: ``sequences * context_tokens``."""

    model: str
    sequences: int
    context_tokens: int
    threads: int

    @property
    def cells(self) -> int:
        return self.sequences * self.context_tokens


@dataclass(frozen=True, slots=True)
class ServerKind:
    """``command`` gets the plan and a port (0: the server takes a free one and prints its address)."""

    name: str
    command: Callable[[Plan, int], list[str]]
    ready_path: str
    prints_address: bool


def inferno(command: list[str], extra: list[str]) -> ServerKind:
    """Inferno as it comes, with ``command`` (``python -m inferno.serve``), but without speculation: models of random
    weights soon repeat themselves, which would flatter it. ``extra`` flags come last."""

    def build(plan: Plan, port: int) -> list[str]:
        sizes = ["--threads", plan.threads, "--context", plan.context_tokens, "--kv-tokens", plan.cells]
        sizes += ["--speculate", "off"]
        return [*command, plan.model, "--host", _HOST, "--port", str(port), *map(str, sizes), *extra]

    return ServerKind("inferno", build, "/health/ready", prints_address=True)


def llama_server(binary: str, extra: list[str]) -> ServerKind:
    """llama-server with one slot per sequence; its ``-c`` is shared out among the slots. Batch sizes (``-b``, ``-ub``),
    prompt cache, flash attention and continuous batching stay at its defaults; ``extra`` flags come last."""

    def build(plan: Plan, port: int) -> list[str]:
        sizes = ["-t", plan.threads, "-c", plan.cells, "--parallel", plan.sequences]
        return [binary, "-m", plan.model, "--host", _HOST, "--port", str(port), *map(str, sizes), *extra]

    return ServerKind("llama-server", build, "/health", prints_address=False)


@dataclass(slots=True)
class RunningServer:
    """A server that takes requests. ``launched`` is when its process was started (``perf_counter``)."""

    endpoint: Endpoint
    launched: float
    pid: int

    def cpu_seconds(self) -> float:
        """That each process of the server has computed so far, in the kernel's part of it too, summed."""
        return sum(_cpu_ticks(pid) for pid in _process_tree(self.pid)) / os.sysconf("SC_CLK_TCK")

    def peak_rss(self) -> int:
        """Bytes: the most that each process of the server had resident (VmHWM), mapped model files included, summed."""
        return sum(_high_water_mark(pid) for pid in _process_tree(self.pid))


def _cpu_ticks(pid: int) -> int:
    behind_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(behind_name[11]) + int(behind_name[12])  # utime and stime: fields 14 and 15


def _high_water_mark(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _process_tree(pid: int) -> list[int]:
    tree = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            tree += _process_tree(int(child))
    return tree


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


async def _answers(port: int, path: str) -> bool:
    """Whether ``GET path`` is answered with 200."""
    try:
        reader, writer = await asyncio.open_connection(_HOST, port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {_HOST}\r\nConnection: close\r\n\r\n".encode())
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


def _printed_port(log: Path) -> int:
    found = re.search(rb"http://[\w.]+:(\d+)", log.read_bytes())
    return int(found[1]) if found else 0


async def _wait_ready(kind: ServerKind, process: subprocess.Popen[bytes], log: Path, port: int) -> int:
    """The port, once the server is ready. Raises RuntimeError with its log's end when it ends or takes too long."""
    deadline = perf_counter() + _READY_SECONDS
    while perf_counter() < deadline and process.poll() is None:
        if kind.prints_address and port == 0:
            port = _printed_port(log)
        if port and await _answers(port, kind.ready_path):
            return port
        await asyncio.sleep(_POLL_SECONDS)
    state = f"ended with {process.returncode}" if process.poll() is not None else "is not ready in time"
    raise RuntimeError(f"{kind.name} {state}; the end of its log:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@asynccontextmanager
async def running(kind: ServerKind, plan: Plan) -> AsyncIterator[RunningServer]:
    """Starts the server, waits until it is ready, stops it at the end. Raises RuntimeError when it does not start."""
    port = 0 if kind.prints_address else _free_port()
    with tempfile.TemporaryDirectory(prefix="inferno-bench-") as folder:
        log = Path(folder) / "log"
        launched = perf_counter()
        process = _start(kind.command(plan, port), log)
        try:
            ready = await _wait_ready(kind, process, log, port)
            yield RunningServer(Endpoint(_HOST, ready), launched, process.pid)
        finally:
            _stop(process)
