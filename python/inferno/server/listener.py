"""The address that is listened on: taken before the model is loaded, which may take long, and open once it is."""

from __future__ import annotations

import socket
from typing import Any

from inferno.errors import ConfigError

BACKLOG = 2048


class Listener:
    """A TCP socket at an address of its own. Until :meth:`open` whoever connects is refused, as if nothing were there.

    Raises ConfigError, from here and from :meth:`open`, when the address cannot be had. Port 0 takes a free one.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((host, port))
        except (OSError, OverflowError) as error:
            self.socket.close()
            raise _refusal(host, port, error) from None
        self.port: int = self.socket.getsockname()[1]

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *raised: Any) -> None:
        self.socket.close()

    def open(self) -> socket.socket:
        """The socket, which takes connections from now on. Another process may have been quicker."""
        try:
            self.socket.listen(BACKLOG)
        except OSError as error:
            raise _refusal(self.host, self.port, error) from None
        self.socket.setblocking(False)
        return self.socket


def _refusal(host: str, port: int, error: OSError | OverflowError) -> ConfigError:
    reason = (getattr(error, "strerror", None) or "no such port").lower()
    return ConfigError(
        f"cannot listen on host {host!r}, port {port}: {reason}; choose another with --host or --port"
        " (--port 0 takes a free one)",
        param="port",
    )
