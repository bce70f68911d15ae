"""A folder that has its model in several forms: which one is taken, and what is said of the others."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from inferno.cli import main
from inferno.engine.abilities import backend_abilities
from inferno.errors import DataCorrupted, InvalidArgument, Unsupported
from inferno.models import backends
from inferno.models.builtin import ember_path
from inferno.models.source import resolve

sys.path[:0] = [str(Path(__file__).parents[2] / "data")]
import ember_folder  # noqa: E402
import hf_encoders  # noqa: E402
import onnx_decoders  # noqa: E402
import onnx_encoders  # noqa: E402


@pytest.fixture
def ember(tmp_path: Path) -> Path:
    """SafeTensors and graph in F32, the GGUF file in Q8_0."""
    folder = tmp_path / "ember"
    onnx_decoders.write_ember(folder, "past")
    ember_folder.write(folder)
    shutil.copyfile(ember_path(), folder / "ember.gguf")
    return folder


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(backends, "missing", lambda name: "it is not here" if name in names else None)


def test_abilities_come_first_and_bytes_second(ember: Path) -> None:
    found = resolve(str(ember))
    assert (found.backend, Path(found.path).name) == ("llama", "ember.gguf")
    assert found.others["onnx"] == "it cannot do lora, vision, audio"
    assert found.others["huggingface"].endswith("MB of weights against 5.4 MB")
    (ember / "ember.gguf").unlink()
    assert resolve(str(ember)).backend == "huggingface"
    (ember / "model.safetensors").unlink()
    alone = resolve(str(ember))
    assert (alone.backend, alone.chosen) == ("onnx", None)


def test_what_is_missing_is_a_reason_and_the_next_is_taken(ember: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "llama")
    found = resolve(str(ember))
    assert (found.backend, found.others["llama"]) == ("huggingface", "it is not here")
    without(monkeypatch, "llama", "huggingface")
    assert resolve(str(ember)).backend == "onnx"
    without(monkeypatch, "llama", "huggingface", "onnx")
    with pytest.raises(Unsupported, match="no form of the model can be served here. llama: it is not here; .*onnx: it"):
        resolve(str(ember))


def test_a_backend_may_be_named(ember: Path) -> None:
    for name in ("llama", "huggingface", "onnx"):
        assert resolve(str(ember), backend=name).backend == name
    with pytest.raises(InvalidArgument, match="no backend 'mlx'; there are llama, huggingface, onnx, fake"):
        resolve(str(ember), backend="mlx")
    (ember / "model.onnx").unlink()
    with pytest.raises(InvalidArgument, match="has no form for the backend onnx; for huggingface, llama"):
        resolve(str(ember), backend="onnx")
    with pytest.raises(InvalidArgument, match="has no form for the backend onnx; for llama"):
        resolve(str(ember / "ember.gguf"), backend="onnx")


def test_settings_rule_out_what_cannot_honour_them(ember: Path) -> None:
    assert resolve(str(ember), quantize="q4_0").backend == "huggingface"
    assert resolve(str(ember), backend_options={"onnx.provider": "cpu"}).backend == "onnx"
    with pytest.raises(Unsupported, match="onnx: the settings ask for lora, which it cannot do"):
        resolve(str(ember), backend_options={"onnx.provider": "cpu"}, abilities=("lora",))


def test_a_damaged_form_is_passed_over(ember: Path) -> None:
    (ember / "model.onnx").write_bytes((ember / "model.onnx").read_bytes()[:200])
    shutil.copyfile(ember / "ember.gguf", ember / "other.gguf")
    found = resolve(str(ember))
    assert found.backend == "huggingface"
    assert "2 .gguf files in this folder (ember.gguf, other.gguf)" in found.others["llama"]
    assert "onnx" in found.others
    (ember / "other.gguf").write_bytes(b"GGUF")
    (ember / "ember.gguf").rename(ember / "away")
    assert "llama" in resolve(str(ember)).others
    (ember / "away").rename(ember / "ember.gguf")
    config = json.loads((ember / "config.json").read_text())
    (ember / "config.json").write_text(json.dumps(config | {"architectures": ["NobodyKnowsMe"]}))
    (ember / "other.gguf").unlink()
    found = resolve(str(ember))
    assert found.backend == "llama"
    assert "NobodyKnowsMe is not known" in found.others["huggingface"]
    with pytest.raises(DataCorrupted):
        resolve(str(ember), backend="onnx")


def test_of_an_encoder_the_smaller_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bert"
    hf_encoders.write_case("bert", folder)
    (onnx_encoders.write_graph(folder, tmp_path / "graph") / "model.onnx").rename(folder / "model.onnx")
    found = resolve(str(folder))
    assert (found.backend, "MB of weights against" in found.others["huggingface"]) == ("onnx", True)
    without(monkeypatch, "onnx")
    assert resolve(str(folder)).others == {"onnx": "it is not here"}


def test_the_command_says_what_serve_would_take(ember: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["backends", "choose", str(ember), "--json"])
    assert ended.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["model"], said["backend"], set(said["others"])) == ("ember", "llama", {"onnx", "huggingface"})
    with pytest.raises(SystemExit):
        main(["backends", "choose", str(ember / "ember.gguf")])
    assert capsys.readouterr().out == "ember has one form, for llama\n"


def test_what_is_missing_is_the_same_by_itself() -> None:
    alone = {name: backends.missing(name) for name in backend_abilities()}
    assert {one.name: one.missing for one in backends.listing()} == alone


def test_the_table_has_every_backend_of_the_list() -> None:
    assert {one.name: one.abilities for one in backends.listing()} == dict(backend_abilities())
