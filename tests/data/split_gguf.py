"""Splits a GGUF file into several, as llama.cpp's gguf-split lays them out: keys in the first, tensors in order.

Usage: python tests/data/split_gguf.py FILE FOLDER STEM   (needs the `gguf` package)
"""

from __future__ import annotations

import sys
from pathlib import Path

from gguf import GGUFReader, GGUFValueType, GGUFWriter


def split(source: Path, folder: Path, stem: str, *, tensors: int, empty_first: bool = False) -> list[Path]:
    """The parts, in order, of at most ``tensors`` tensors each; ``empty_first``: the first has only the keys."""
    reader = GGUFReader(source)
    architecture = str(reader.fields["general.architecture"].contents())
    writer = GGUFWriter(folder / f"{stem}.gguf", architecture, split_max_tensors=tensors, small_first_shard=empty_first)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        element = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], element)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(folder.glob(f"{stem}-*.gguf"))


if __name__ == "__main__":
    for made in split(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], tensors=10):
        print(made)
