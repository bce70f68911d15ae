"""``inferno openapi``: the API's description, for generators of clients and for whoever compares two versions."""

from __future__ import annotations

import typer


def openapi() -> None:
    """Print the OpenAPI 3.1 document of the server's API, as a server serves it at /openapi.json."""
    import json

    from inferno.server.openapi import describe
    from inferno.server.operations import OPERATIONS

    typer.echo(json.dumps(describe(OPERATIONS), indent=2))
