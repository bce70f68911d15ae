"""Every failure Inferno reports, one class per status code of the engine. Knows nothing of HTTP.

``server/error_handlers.py`` holds the one table from these classes to HTTP statuses.
"""

from __future__ import annotations


class InfernoError(Exception):
    """A failure with a code, a message fit for users, and the request field it is about, if any.

    Messages carry the offending value, the limit and what would be right; never a path, an address or a prompt.
    """

    code = "internal"

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class InvalidArgument(InfernoError):
    code = "invalid_argument"


class ContextLengthExceeded(InvalidArgument):
    code = "context_length_exceeded"


class Unsupported(InvalidArgument):
    """Understood, but this model or this version cannot do it."""

    code = "unsupported"


class InvalidImage(InvalidArgument):
    """A picture that cannot be decoded, or is larger than what is taken."""

    code = "invalid_image"


class ImagesUnsupported(Unsupported):
    """The model takes no pictures."""

    code = "model_does_not_support_images"


class InvalidAudio(InvalidArgument):
    """A sound that cannot be decoded, or is longer than what is taken."""

    code = "invalid_audio"


class AudioUnsupported(Unsupported):
    """The model takes no sounds."""

    code = "model_does_not_support_audio"


class NotFound(InfernoError):
    code = "not_found"


class QueueFull(InfernoError):
    """Overload. ``retry_after`` is in seconds."""

    code = "queue_full"

    def __init__(self, message: str, *, param: str | None = None, retry_after: float = 1.0) -> None:
        super().__init__(message, param=param)
        self.retry_after = retry_after


class Unavailable(InfernoError):
    code = "unavailable"


class Cancelled(InfernoError):
    code = "cancelled"


class DeadlineExceeded(InfernoError):
    """The answer was not complete in the time that the request gave."""

    code = "deadline_exceeded"


class OutOfMemory(InfernoError):
    code = "out_of_memory"


class DataCorrupted(InfernoError):
    code = "data_corrupted"


class Internal(InfernoError):
    code = "internal"


class ConfigError(InfernoError):
    """A setting that is unknown or out of range; the message says where it was set."""

    code = "config"


BY_CODE: dict[str, type[InfernoError]] = {
    cls.code: cls
    for cls in (
        InvalidArgument,
        ContextLengthExceeded,
        Unsupported,
        NotFound,
        QueueFull,
        Unavailable,
        Cancelled,
        DeadlineExceeded,
        OutOfMemory,
        DataCorrupted,
        Internal,
    )
}


def from_code(code: str, message: str, param: str | None = None) -> InfernoError:
    """The error of a status code of the engine. An unknown code is :class:`Internal`."""
    return BY_CODE.get(code, Internal)(message, param=param or None)
