"""Backends of third parties: what is wrong with one is a reason in the list and an error for its files."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inferno.cli import main
from inferno.errors import InfernoError, InvalidArgument, Unsupported
from inferno.models import backends
from inferno.models.builtin import ember_path
from inferno.models.source import resolve
from models import linear_package

_CONVERTER = "formats = 'x'\ncomputed_by = '{}'\ndef recognises(path): {}\ndef convert(path, into): {}\n"


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    sys.modules.pop("inferno_linear", None)


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    monkeypatch.syspath_prepend(str(linear_package.install(tmp_path, **more)))


def test_it_is_listed_and_may_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, monkeypatch)
    with pytest.raises(SystemExit):
        main(["backends", "list", "--json"])
    (entry,) = [one for one in json.loads(capsys.readouterr().out) if one["name"] == "linear"]
    assert (entry["version"], entry["available"], entry["formats"]) == ("1.2", True, "files of weights, a line")
    assert "infer" in entry["abilities"]
    model = linear_package.write(tmp_path / "a.weights", 1, 2)
    assert resolve(str(model), backend="linear").backend == "linear"
    with pytest.raises(Unsupported, match=r"the backend linear cannot serve ember.gguf: it does not recognise it"):
        resolve(str(ember_path()), backend="linear")
    with pytest.raises(InvalidArgument, match="there are llama, huggingface, onnx, fake, linear"):
        resolve(str(model), backend="nobody")


def test_its_options_are_listed_and_checked_as_ours_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, monkeypatch)
    with pytest.raises(SystemExit):
        main(["backends", "list"])
    assert "option   linear.scale: 0 to 100, by default 1" in capsys.readouterr().out
    model = str(linear_package.write(tmp_path / "a.weights", 1, 2))
    for name, value, says in (
        ("linear.scale", "101", "linear.scale is '101'; it must be a number from 0 to 100"),
        ("linear.sign", "gone", "linear.sign is 'gone'; it must be one of kept, turned"),
        ("linear.scal", "1", "'linear.scal' is no option of the backend linear.*it has linear.scale, linear.sign"),
        ("fake.scale", "1", "'fake.scale' is no option of the backend onnx.*it has onnx.provider"),
    ):
        with pytest.raises(InvalidArgument, match=says) as refused:
            resolve(model, backend_options={name: value})
        assert refused.value.param == name
    plain = resolve(model, backend_options={"onnx.provider": "cpu"})
    turned = resolve(model, backend_options={"onnx.provider": "cpu", "linear.sign": "turned"})
    assert plain.path != turned.path
    assert turned.backend_options == {"onnx.provider": "cpu"}, "what it took itself is not handed on"


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ("[{'name': 'Scale', 'default': '1'}]", "'Scale' is no name"),
        ("[{'name': 'a', 'type': 'list', 'default': ''}]", "'list' is no type of an option"),
        ("[{'name': 'a', 'type': 'integer', 'default': 5, 'most': 4}]", "linear.a is '5'; it must be a whole number"),
        ("[{'name': 'a', 'default': '', 'often': 1}]", "often"),
        ("7", "not iterable"),
    ],
)
def test_a_declaration_that_is_none_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: str, why: str
) -> None:
    module = f"options = {declared}\n" + _CONVERTER.format("onnx", "return True", "pass")
    install(tmp_path, monkeypatch, module=module)
    (entry,) = [one for one in backends.listing() if one.name == "linear"]
    assert why in str(entry.missing)


def test_a_file_that_changed_is_converted_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    model = linear_package.write(tmp_path / "a.weights", 1, 2)
    first = Path(resolve(str(model)).path)
    assert Path(resolve(str(model)).path) == first
    linear_package.write(model, 1, 2, 3)
    second = Path(resolve(str(model)).path)
    assert second != first
    assert not first.exists()


def test_what_we_know_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, module=_CONVERTER.format("onnx", "return True", "pass"))
    shutil.copyfile(ember_path(), tmp_path / "ember.bin")
    assert resolve(str(tmp_path / "ember.bin")).backend == "llama"


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("import a_package_that_is_not_here", "it cannot be imported: ModuleNotFoundError"),
        ("formats = 'x'", "it has no computed_by, recognises, convert"),
        (_CONVERTER.format("mlx", "return True", "pass"), "computed_by is 'mlx'; it must be one of llama, huggingface"),
    ],
)
def test_one_that_cannot_be_used_is_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, why: str
) -> None:
    install(tmp_path, monkeypatch, module=module)
    (entry,) = [one for one in backends.listing() if one.name == "linear"]
    assert not entry.available
    assert why in str(entry.missing)
    with pytest.raises(Unsupported, match="the backend linear cannot serve"):
        resolve(str(linear_package.write(tmp_path / "a.weights", 1)), backend="linear")


def test_a_name_of_ours_is_not_given_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, name="llama")
    assert [one.missing for one in backends.listing() if one.name == "llama"] == [
        None,
        "its name is taken, or not of a-z, 0-9, - and _",
    ]


@pytest.mark.parametrize(
    ("recognises", "convert", "says"),
    [
        ("return 1 / 0", "pass", "the backend linear cannot look at a.weights: ZeroDivisionError"),
        ("return True", "raise ValueError('no')", "the backend linear cannot convert a.weights: ValueError: no"),
        ("return True", "pass", "what linear made of a.weights: no .gguf or .onnx file in this folder"),
        ("return True", "open(into / 'x' / 'y')", "No such file or directory: 'unfinished/x/y'"),
        ("return True", "raise OSError(f'{path} is not {path.resolve()}')", "OSError: a.weights is not a.weights"),
        ("from inferno.errors import InfernoError; raise InfernoError(f'see {path}')", "pass", "see a.weights"),
        ("return True", "(into / 'model.onnx').write_bytes(b'no')", "what linear made of a.weights"),
    ],
)
def test_its_failures_are_said_to_be_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recognises: str, convert: str, says: str
) -> None:
    install(tmp_path, monkeypatch, module=_CONVERTER.format("onnx", recognises, convert))
    model = linear_package.write(tmp_path / "a.weights", 1)
    with pytest.raises(InfernoError, match=says) as refused:
        resolve(str(model))
    assert str(tmp_path) not in refused.value.message
