"""ONNX files that cannot be served, given to the command that people type: an exit code and one message, no crash."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import helper

from e2e.process import SECONDS_TO_START, command, environment
from models.onnx_files import linear, write_model

pytestmark = pytest.mark.e2e

REFUSED = 2
NOTHING = 2 << 30


def changed(path: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    model = onnx.load(linear(path), load_external_data=False)
    change(model)
    path.write_bytes(model.SerializeToString())


def cycle(model: onnx.ModelProto) -> None:
    first, second = model.graph.node
    first.input[0] = second.output[0]


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type, model.graph.node[0].domain = "NoSuchOperator", "com.nobody"


def no_kernel(path: Path) -> None:
    """An operator of ONNX's own, for which no provider has anything in this type of numbers."""
    kind = onnx.TensorProto.DOUBLE
    value = [helper.make_tensor_value_info(name, kind, ["n", 3]) for name in ("x", "y")]
    write_model(path, [helper.make_node("HardSigmoid", ["x"], ["y"])], value[:1], value[1:])


def nothing(path: Path, begins: bytes = b"") -> None:
    with path.open("wb") as file:
        file.write(begins)
        file.truncate(NOTHING)


def outside(path: Path, size: int | None) -> None:
    linear(path, outside="weights")
    if size is None:
        (path.parent / "weights").unlink()
    else:
        (path.parent / "weights").write_bytes(bytes(size))


def elsewhere(path: Path) -> None:
    linear(path, outside="weights")
    content = path.read_bytes()
    assert content.count(b"weights") == 2
    path.write_bytes(content.replace(b"weights", b"../w_ts"))
    (path.parent.parent / "w_ts").write_bytes(bytes(64))


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a text": (lambda path: path.write_text("a llama is an animal"), "does not begin like a model file"),
    "nothing": (nothing, "does not begin like a model file"),
    "nothing behind a beginning": (lambda path: nothing(path, b"\x08\x08\x12\x00"), "an ONNX file ends before 2 GiB"),
    "no weights": (lambda path: outside(path, None), "there is no file 'weights' beside it"),
    "short weights": (lambda path: outside(path, 5), "'weights' has 5 bytes; tensor 'w' needs 24 from byte 0 on"),
    "weights elsewhere": (elsewhere, "'../w_ts'"),
    "a cycle": (lambda path: changed(path, cycle), "the graph has a cycle"),
    "a new opset": (
        lambda path: changed(path, lambda model: setattr(model.opset_import[0], "version", 99)),
        "the file is of ONNX's opset 99; versions 7 to 28 can be read",
    ),
    "an old opset": (
        lambda path: changed(path, lambda model: setattr(model.opset_import[0], "version", 1)),
        "the file is of ONNX's opset 1; versions 7 to 28 can be read",
    ),
    "an operator of nobody": (lambda path: changed(path, unknown_operator), "NoSuchOperator"),
    "an operator without a kernel": (no_kernel, "Could not find an implementation for HardSigmoid"),
    "half of it": (lambda path: path.write_bytes(linear(path).read_bytes()[:90]), "cut off or damaged"),
}


def served(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(str(path), "--port", "0"),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=SECONDS_TO_START,
        check=False,
    )


@pytest.mark.parametrize("case", CASES)
def test_each_is_refused_with_one_message(case: str, tmp_path: Path) -> None:
    """Whatever it is called: a name is no reason to believe what a file is."""
    write, says = CASES[case]
    (tmp_path / "model").mkdir()
    path = tmp_path / "model" / "llama.gguf"
    write(path)
    ended = served(path)
    assert ended.returncode == REFUSED, ended.stderr
    message = " ".join(ended.stderr.split())
    assert says in message
    assert message.count("inferno: ") == 1
    assert "Traceback" not in message
    assert ended.stdout == ""


_MANY = """
import sys
from pathlib import Path
import inferno
from inferno.errors import DataCorrupted, Unsupported
opened = 0
for file in sorted(Path(sys.argv[1]).iterdir()):
    try:
        with inferno.Graph(file):
            opened += 1
    except (DataCorrupted, Unsupported):
        pass
print(opened)
"""


def test_damaged_headers_are_opened_or_refused(tmp_path: Path) -> None:
    """By our reader, or by ONNX Runtime behind it: in a process of its own, whose end by a signal would show."""
    good = linear(tmp_path / "good").read_bytes()
    chance = random.Random(5)
    (tmp_path / "bad").mkdir()
    for number in range(300):
        damaged = bytearray(good)
        for _ in range(chance.choice((1, 1, 2, 4))):
            damaged[chance.randrange(len(good))] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
        (tmp_path / "bad" / f"{number:03}").write_bytes(damaged)
    ended = subprocess.run(
        [sys.executable, "-c", _MANY, str(tmp_path / "bad")], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert 0 < int(ended.stdout) < 150, "weights may be anything; what describes them may not"
