"""The versions of the API: what a path begins with, and the date of its behaviour that a request may pin."""

from __future__ import annotations

import re
from collections.abc import Mapping

from inferno.errors import InvalidArgument

PATH_VERSIONS = ("v1",)
OTHERS_VERSIONS = ("v2",)
"""Of Cohere's API and of the Open Inference Protocol, which this server answers in part."""
DATES = ("2026-11-25",)
"""Of every change of behaviour that a client could notice, newest last. A request that names none gets the newest."""
HEADER = "inferno-version"
LONGEST_DATE_SHOWN = 32
_VERSIONED = re.compile(r"/(v\d{1,4})(?=/|$)")


def date_in_force(asked: str | None) -> str:
    """Raises InvalidArgument for a date that is none of :data:`DATES`."""
    if asked is None:
        return DATES[-1]
    if asked not in DATES:
        raise InvalidArgument(
            f"the header Inferno-Version is {asked[:LONGEST_DATE_SHOWN]!r}; this server knows {', '.join(DATES)}",
            param="Inferno-Version",
        )
    return asked


def missing_version(path: str) -> str | None:
    """What to say of a path of a version that there is not; None for any other path."""
    found = _VERSIONED.match(path)
    if found is None or found[1] in (*PATH_VERSIONS, *OTHERS_VERSIONS):
        return None
    return f"this server has no version {found[1]!r} of its API; it has {', '.join(PATH_VERSIONS)}"


def ageing_headers(since: int, successor: str) -> Mapping[str, str]:
    """As RFC 9745 and RFC 8288 have them. ``since`` is Unix time."""
    return {"deprecation": f"@{since}", "link": f'<{successor}>; rel="successor-version"'}
