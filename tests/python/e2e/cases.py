"""How many generated requests are tried of each operation of the API."""

from __future__ import annotations

import os

_GIVEN = os.environ.get("INFERNO_TEST_FUZZ_CASES")
THOROUGH = _GIVEN is not None
"""Others each time, instead of always the same."""
CASES = int(_GIVEN or 10)
