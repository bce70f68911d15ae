"""What docs/clients.md says to write is run as it stands, with the port of a server that is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.process import Server

DOCUMENT = Path(__file__).parents[2] / "docs" / "clients.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
BY_MODULE = {re.match(r"from (\w+)", block)[1]: block for block in BLOCKS}  # type: ignore[index]


def test_all_blocks_are_found() -> None:
    assert len(BY_MODULE) == len(BLOCKS) == 7


@pytest.mark.parametrize("module", BY_MODULE)
def test_the_block_answers(module: str, ember: Server) -> None:
    pytest.importorskip(module, reason="run 'make clients'")
    program = BY_MODULE[module].replace("http://127.0.0.1:8080", ember.url)
    found = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert "Paris" in found.stdout
