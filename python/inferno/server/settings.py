"""What the server reads of the configuration. Values and defaults are the configuration's."""

from __future__ import annotations

from typing import Literal, Protocol


class ServerSettings(Protocol):
    """What the application reads."""

    @property
    def api_keys(self) -> tuple[str, ...]:
        """Keys that open the server; empty lets everybody in, as one tenant."""
        ...

    @property
    def host(self) -> str:
        """The address or name to listen on, which is also one that the server is known by."""
        ...

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Other names that a server without keys answers to, and whose pages may ask it."""
        ...

    @property
    def image_hosts(self) -> tuple[str, ...]:
        """HOST or HOST:PORT that pictures are fetched from where messages name them by URL; empty: from nowhere."""
        ...

    @property
    def body_limit_bytes(self) -> int: ...

    @property
    def receive_seconds(self) -> float:
        """How long a whole request, head and body, may take to come."""
        ...

    @property
    def send_seconds(self) -> float:
        """How long a client may take nothing of an answer that is there for it."""
        ...

    @property
    def unknown_fields(self) -> Literal["refuse", "report"]:
        """Whether a request's fields that are not known refuse it, or are left out and named in the answer."""
        ...

    @property
    def keep_alive_seconds(self) -> float:
        """A stream that was silent for so long gets a comment, so that nothing between here and there hangs up."""
        ...

    @property
    def grace_seconds(self) -> float:
        """How long running requests may go on after the signal to stop."""
        ...

    @property
    def max_background(self) -> int:
        """Responses that may be made at once while nobody is connected."""
        ...


class ListenSettings(ServerSettings, Protocol):
    """What :func:`inferno.server.run.serve` reads besides."""

    @property
    def port(self) -> int:
        """0 takes a free port."""
        ...
