"""Generated requests, valid and broken, for every operation of the API's own description, at real servers.

None may make a server fail (5xx), what the description does not allow is refused, and each answer has the shape that is
described. `make fuzz` tries many of each operation, `make test` a few, always the same.
"""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.cases import CASES, THOROUGH
from e2e.kinds import KINDS, Servers, kind_of
from inferno.server.operations import OPERATIONS

CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance,negative_data_rejection"
SECONDS = 3600 if THOROUGH else 300


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_request_makes_the_server_fail(kind: str, tmp_path: Path) -> None:
    paths = {re.sub(r":path\}", "}", one.path) for one in OPERATIONS if kind_of(one.path) == kind}
    with ExitStack() as stack:
        server = Servers(stack, tmp_path).of(kind)
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json", "--checks", CHECKS]
        command += ["--phases", "fuzzing", "--mode", "all", "--max-examples", str(CASES), "--request-timeout", "120"]
        command += ["--suppress-health-check", "too_slow"]  # it says how busy the machine is
        command += ["--no-color", *([] if THOROUGH else ["--seed", "1"])]
        for path in sorted(paths):
            command += ["--include-path", path]
        found = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=SECONDS)
        if THOROUGH:
            print(found.stdout[-3000:])
        assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
        assert server.process.poll() is None
