"""Errors that arise at the edge only, before an engine is asked."""

from __future__ import annotations

from inferno.errors import Cancelled, InfernoError, InvalidArgument, Unavailable, Unsupported


class UnknownParameter(InvalidArgument):
    """The request has a field that this endpoint does not know."""

    code = "unknown_parameter"


class UnsupportedParameter(Unsupported):
    """The request has a field that this endpoint knows but cannot honour."""

    code = "unsupported_parameter"


class InvalidKey(InfernoError):
    """No API key, or one that opens nothing."""

    code = "invalid_api_key"


class ForeignPage(InfernoError):
    """Asked under a name that is not this server's, or by a page of another site."""

    code = "host_not_allowed"


class SwitchedOff(InfernoError):
    """Something that the server's operator has to allow first."""

    code = "not_allowed"


class NotOffered(InfernoError):
    """Something that an API has and this server does not do for anybody."""

    code = "not_offered"


class ImageUrlNotAllowed(InvalidArgument):
    """A picture at an address that this server does not fetch from."""

    code = "image_url_not_allowed"


class BodyTooLarge(InfernoError):
    code = "body_too_large"


class RequestTimeout(InfernoError):
    """The request's body has not come within its time."""

    code = "request_timeout"


class Draining(Unavailable):
    """The server is stopping and takes no new work."""


class ClientLeft(Cancelled):
    """The client closed the connection before its answer was complete. Nobody reads the response."""


class GivenUp(Cancelled):
    """The client asked for the end of a response that is made in the background."""
