"""Settings: frozen, described, and none that the engine would not know."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from inferno.config.settings import SECTIONS, EngineSettings, ModelSettings, ServerSettings, describe


def test_frozen_and_closed() -> None:
    settings = ServerSettings()
    with pytest.raises(ValidationError):
        settings.port = 1
    with pytest.raises(ValidationError):
        ServerSettings(nonsense=1)  # type: ignore[call-arg]


def test_every_setting_is_described() -> None:
    keys = [f"{section}.{name}" for section, cls in SECTIONS.items() for name in cls.model_fields]
    assert all(describe(key).endswith(".") for key in keys)


def test_engine_and_model_settings_are_fields_of_the_engine() -> None:
    from inferno.engine.core import defaults

    native = defaults()
    assert set(EngineSettings.model_fields) == set(native["engine"])
    # for profiling only; found by model.mmproj; what the model's source leaves of model.backend_options
    not_settings = {"time_operators", "media_encoder", "backend_options"}
    assert set(ModelSettings().loading()) == set(native["model"]) - not_settings
