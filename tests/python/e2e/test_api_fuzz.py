"""Generated requests, valid and broken, for every operation of the API's own description, at a real server.

None may make it fail (5xx), and each answer has the shape that is described. INFERNO_TEST_FUZZ_CASES says how many are
tried of each operation.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.process import running

CASES = os.environ.get("INFERNO_TEST_FUZZ_CASES", "20")
CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance"


@pytest.mark.e2e
@pytest.mark.slow
def test_no_request_makes_the_server_fail(tmp_path: Path) -> None:
    with running("fake:") as server:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json", "--checks", CHECKS]
        options = [
            "--phases",
            "fuzzing",
            "--max-examples",
            CASES,
            "--seed",
            "1",
            "--request-timeout",
            "20",
            "--no-color",
            "--mode",
            "all",
        ]
        found = subprocess.run(
            [*command, *options], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=600
        )
        assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
        assert server.process.poll() is None
