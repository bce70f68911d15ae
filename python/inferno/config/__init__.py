"""Settings: what they are (``settings``) and where they come from (``layers``)."""

from __future__ import annotations

from inferno.config.layers import ENV_PREFIX, FILE_NAME, Config, load
from inferno.config.settings import EngineSettings, ModelSettings, ServerSettings, StoreSettings, describe

__all__ = [
    "ENV_PREFIX",
    "FILE_NAME",
    "Config",
    "EngineSettings",
    "ModelSettings",
    "ServerSettings",
    "StoreSettings",
    "describe",
    "load",
]
