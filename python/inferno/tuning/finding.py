"""The result that holds for a model as it is about to be loaded, or why there is none."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from inferno.config import Config
from inferno.config.layers import DEFAULT, with_tuned
from inferno.engine.model_digest import model_digest
from inferno.errors import ConfigError
from inferno.tuning.result import Tuned, digests_file, kept, key_of, model_bytes, why_not


@dataclass(frozen=True, slots=True)
class Found:
    """The settings to go on with, and a line for the user; None where this model was never tuned."""

    config: Config
    said: str | None = None


def apply_tuned(config: Config, path: str) -> Found:
    """``config`` with what was measured best for the model at ``path``, where nobody set anything else.

    Reads the model's content only where a result for a file of this size is kept. Blocks.
    """
    if not config.model.tuned:
        return Found(config)
    size = model_bytes(path)
    same_size = [tuned for tuned in kept() if tuned.model_bytes == size]
    if not same_size:
        return Found(config)
    key = key_of(path, model_digest(path, remembered=digests_file()), config.model)
    own = [tuned for tuned in same_size if tuned.key.model == key.model]
    for tuned in own:
        if tuned.key == key:
            return _applied(config, tuned)
    if not own:
        return Found(config)
    reason, date = why_not(asdict(own[0].key), key), own[0].date[:10]
    return Found(config, f"A tuned setting of {date} is not used: it {reason}. 'inferno tune' measures anew.")


def _applied(config: Config, tuned: Tuned) -> Found:
    try:
        after = with_tuned(config, tuned.settings)
    except ConfigError as error:
        return Found(config, f"A tuned setting of {tuned.date[:10]} is not used: {error.message}")
    if not tuned.settings:
        return Found(config, f"Tuned on {tuned.date[:10]}: the defaults were fastest.")
    used = {key: value for key, value in tuned.settings.items() if config.origins[key] == DEFAULT}
    shown = ", ".join(f"{key.partition('.')[2]} {value}" for key, value in used.items()) or "all set by you"
    return Found(
        after, f"Tuned on {tuned.date[:10]}: {shown} ({tuned.gain:.2f} x the defaults' rate); --no-tuned leaves it out."
    )
