"""What a Hugging Face folder holds: its config, its shards, its tokenizer files. Opens no shard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inferno.errors import DataCorrupted, NotFound, Unsupported
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.json_file import read_object

CONFIG = "config.json"
_INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_MAX_SHARDS = 4096
_LEFT_OUT = ("README.md", "LICENSE", _INDEX)
_DESCRIBING = (".json", ".jinja", ".model", ".txt")
"""Files beside the weights that may have a say in the prepared file: small ones, by suffix."""


@dataclass(frozen=True, slots=True)
class Folder:
    """``shards`` in the order of their names; ``indexed`` is what the index promises: tensor to shard's name."""

    path: Path
    config: Config
    shards: tuple[Path, ...]
    indexed: dict[str, str]

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def weight_bytes(self) -> int:
        return sum(shard.stat().st_size for shard in self.shards)

    def describing_files(self) -> list[Path]:
        """Config, tokenizer and template files: whatever beside the weights the prepared file may depend on."""
        here = sorted(entry for entry in self.path.iterdir() if entry.suffix in _DESCRIBING and entry.is_file())
        return [entry for entry in here if entry.name not in _LEFT_OUT]


def is_model_folder(path: Path) -> bool:
    """Whether ``path`` is a folder with a config.json and SafeTensors in it."""
    return (path / CONFIG).is_file() and any(path.glob("*.safetensors"))


def open_folder(path: Path) -> Folder:
    """Read config.json and find the shards.

    Raises NotFound when there is no config or no weights, DataCorrupted when the index names what is not there or what
    lies elsewhere, Unsupported for weights that are quantized already, or several files without an index.
    """
    values = read_object(path, CONFIG)
    if values is None:
        raise NotFound(f"{CONFIG} is not in the folder, so what its weights are cannot be known")
    config = Config(values)
    if config.get("quantization_config") is not None:
        method = (config.section("quantization_config") or config).get("quant_method")
        raise Unsupported(
            f"{CONFIG}: the weights are quantized already ({method}); take the model's F16, BF16 or F32 folder, and "
            "--quantize for less memory"
        )
    shards, indexed = find_shards(path)
    return Folder(path, config, shards, indexed)


def find_shards(path: Path) -> tuple[tuple[Path, ...], dict[str, str]]:
    """The weight files of a folder, and what the index promises (tensor to shard's name), if there is one.

    Raises as :func:`open_folder` does; needs no config.json.
    """
    index = read_object(path, _INDEX)
    if index is not None:
        indexed = _weight_map(index)
        names = sorted(set(indexed.values()))
        missing = [name for name in names if not (path / name).is_file()]
        if missing:
            raise DataCorrupted(f"{_INDEX} names {missing[0]}, which is not in the folder ({len(missing)} such files)")
        return tuple(path / name for name in names), indexed
    if (path / _SINGLE).is_file():
        return (path / _SINGLE,), {}
    found = sorted(path.glob("*.safetensors"))
    if not found:
        raise NotFound("no .safetensors file in the folder; weights in other formats (.bin, .pt) are never opened")
    if len(found) > 1:
        raise Unsupported(
            f"{len(found)} .safetensors files and no {_INDEX} that says which belong together; "
            f"leave one of them, or name it {_SINGLE}"
        )
    return (found[0],), {}


def _weight_map(index: dict[str, object]) -> dict[str, str]:
    mapped = index.get("weight_map")
    if not isinstance(mapped, dict) or not mapped:
        raise DataCorrupted(f"{_INDEX} has no weight_map")
    for tensor, file in mapped.items():
        if not isinstance(file, str) or not _stays_here(file):
            raise DataCorrupted(f"{_INDEX}: {tensor} is said to be in {file!r}, which is no .safetensors file's name")
    if len(set(mapped.values())) > _MAX_SHARDS:
        raise DataCorrupted(f"{_INDEX} names more than {_MAX_SHARDS} files")
    return dict(mapped)


def _stays_here(name: str) -> bool:
    return name.endswith(".safetensors") and not {"/", "\\", "\0"} & set(name) and not name.startswith(".")
