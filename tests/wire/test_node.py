"""Clients for Node: each file of ``node/`` is a suite of its own, run by Node's own runner."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e.process import Server

SOURCES = Path(__file__).parent / "node"
MODULES = Path(__file__).parents[2] / "build" / "node"
SECONDS = 300

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="Node and npm are not installed"),
]


@pytest.fixture(scope="module")
def modules() -> Path:
    """The suites beside their packages, which are installed when the lock file is another than the last time."""
    MODULES.mkdir(parents=True, exist_ok=True)
    lock, installed = SOURCES / "package-lock.json", MODULES / "package-lock.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        shutil.copy(SOURCES / "package.json", MODULES)
        installed.unlink(missing_ok=True)
        shutil.copy(lock, MODULES / "package-lock.json")
        try:
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(command, cwd=MODULES, check=True, capture_output=True, text=True, timeout=SECONDS)
        except BaseException:
            installed.unlink(missing_ok=True)
            raise
    for suite in SOURCES.glob("*.mjs"):
        shutil.copy(suite, MODULES)
    return MODULES


@pytest.mark.parametrize("suite", [path.name for path in sorted(SOURCES.glob("*.test.mjs"))])
def test_the_suite_passes(
    suite: str, modules: Path, ember: Server, embedder: Server, paced: Server, crowded: Server
) -> None:
    urls = {
        "INFERNO_URL": ember.url,
        "INFERNO_EMBED_URL": embedder.url,
        "INFERNO_PACED_URL": paced.url,
        "INFERNO_CROWDED_URL": crowded.url,
    }
    found = subprocess.run(
        ["node", "--test", "--test-reporter=tap", suite],
        cwd=modules,
        env={**os.environ, **urls},
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
    declared = len(re.findall(r"^ *test\(", (SOURCES / suite).read_text(encoding="utf-8"), re.MULTILINE))
    passed = re.search(r"^# pass (\d+)$", found.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) >= declared > 0
