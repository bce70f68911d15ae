"""A package of a third party, as pip installs it: its backend serves files of a line of weights, as ONNX graphs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

MAGIC = "LINEAR 1"
_MODULE = f'''
import numpy
from onnx import TensorProto, helper, numpy_helper, save

formats = "files of weights, a line"
computed_by = "onnx"
options = [
    {{"name": "scale", "type": "number", "default": "1", "least": 0, "most": 100, "help": "Every weight, times this."}},
    {{"name": "sign", "choices": ["kept", "turned"], "default": "kept", "help": "What becomes of a weight's sign."}},
]


def recognises(path):
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read({len(MAGIC)}) == b"{MAGIC}"


def convert(path, into, scale, sign):
    factor = float(scale) * (-1 if sign == "turned" else 1)
    numbers = [factor * float(word) for word in path.read_text().splitlines()[1].split()]
    weights = numpy.array(numbers, numpy.float32).reshape(-1, 1)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", len(numbers)])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 1])
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "linear", [x], [y], [numpy_helper.from_array(weights, "w")])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), into / "model.onnx")
'''
_METADATA = "Metadata-Version: 2.1\nName: inferno-linear\nVersion: 1.2\n"
_WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def install(folder: Path, *, module: str = _MODULE, name: str = "linear") -> Path:
    """A site directory below ``folder`` with the package, whose entry point is called ``name``."""
    info = "inferno_linear-1.2.dist-info"
    files = {
        "inferno_linear.py": module,
        f"{info}/METADATA": _METADATA,
        f"{info}/WHEEL": _WHEEL,
        f"{info}/entry_points.txt": f"[inferno.backends]\n{name} = inferno_linear\n",
    }
    wheel = folder / "inferno_linear-1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]))
    site = folder / "site"
    quiet = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([sys.executable, "-m", "pip", "install", *quiet, "--target", str(site), str(wheel)], check=True)
    return site


def write(path: Path, *weights: float) -> Path:
    path.write_text(f"{MAGIC}\n{' '.join(map(str, weights))}\n")
    return path
