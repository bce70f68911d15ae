"""Every architecture against ``transformers`` itself, now: the same weights, through the engine and through PyTorch.

``make truth`` installs what it needs, runs it, and writes the table of docs/architectures.md. Without PyTorch this is
skipped; ``tests/python/models/huggingface`` then still compares with what PyTorch said when the references were made.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import inferno
from inferno.engine.embedding import EmbedRequest
from models.huggingface import comparison
from models.huggingface.comparison import DATA, EXACT, Reference, hf_folders

pytest.importorskip("torch", reason="the comparison with PyTorch: run 'make truth'")
import hf_encoders
import make_encoder_vectors
import make_hf_logits

DOCS = Path(__file__).parents[3] / "docs" / "architectures.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"
VARIANTS = {"F32": ("F32", 1, None), "F16, 2 shards": ("F16", 2, "f32"), "BF16, 3 shards": ("BF16", 3, "f32")}


@dataclass(frozen=True)
class Row:
    case: str
    named: str
    differences: tuple[float, ...]

    def __str__(self) -> str:
        return f"| `{self.named}` | {self.case} | " + " | ".join(f"{d:.0e}" for d in self.differences) + " |"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def table() -> Iterator[list[Row]]:
    """Filled by the tests; printed, and written into the docs where that was asked for, when all have run."""
    rows: list[Row] = []
    yield rows
    lines = [
        f"| class | case | {' | '.join(VARIANTS)} |",
        f"|---|---|{'---|' * len(VARIANTS)}",
        *(str(row) for row in sorted(rows, key=lambda row: (row.named.lower(), row.case))),
    ]
    print("\n" + "\n".join(lines))
    if os.environ.get("INFERNO_TEST_WRITE_DOCS") == "1" and len(rows) == len(hf_folders.CASES) + len(hf_encoders.CASES):
        text = DOCS.read_text()
        before, after = text.partition(BEGIN)[0], text.partition(END)[2]
        DOCS.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after)


@pytest.mark.parametrize("case", sorted(hf_folders.CASES))
def test_logits(case: str, table: list[Row], tmp_path: Path) -> None:
    then = comparison.committed(case)
    hf_folders.write_case(case, tmp_path / case)
    chosen, rows = make_hf_logits.reference(tmp_path / case, then.prompt)
    assert chosen == then.chosen
    assert np.abs(rows[0] - then.first).max() < 1e-4
    now = Reference(then.prompt, chosen, rows[0], [dict(enumerate(map(float, row))) for row in rows])
    differences = []
    for dtype, shards, quantize in VARIANTS.values():
        folder = tmp_path / f"{case}-{dtype}"
        hf_folders.write_case(case, folder, dtype, shards)
        with inferno.LLM(str(folder), quantize=quantize, **comparison.loading(case)) as llm:
            differences.append(comparison.largest_difference(llm, now))
    table.append(Row(case, hf_folders.CASES[case].config["architectures"][0], tuple(differences)))
    assert max(differences) < 1e-3


@pytest.mark.parametrize("case", sorted(hf_encoders.CASES))
def test_vectors(case: str, table: list[Row], tmp_path: Path) -> None:
    differences = []
    for dtype, shards, quantize in VARIANTS.values():
        folder = tmp_path / f"{case}-{dtype}"
        hf_encoders.write_case(case, folder, dtype, shards)
        truth = make_encoder_vectors.reference(folder, case)
        with inferno.LLM(str(folder), quantize=quantize, **EXACT) as llm:
            result = llm._run(llm._llm._engine.embed(EmbedRequest(hf_encoders.texts(case))))
        ours = np.array([np.frombuffer(vector, np.float32) for vector in result.vectors])
        differences.append(float(np.abs(ours - truth).max() / np.abs(truth).max()))
    table.append(Row(case, hf_encoders.CASES[case].config["architectures"][0], tuple(differences)))
    assert max(differences) < 1e-3


def test_the_references_are_here() -> None:
    assert all((DATA / "huggingface" / f"{case}.npz").is_file() for case in [*hf_folders.CASES, *hf_encoders.CASES])
