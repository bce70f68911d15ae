"""Which result is used for a model that is about to be loaded, and what is said of one that is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inferno.config import Config, load
from inferno.tuning import result
from inferno.tuning.finding import apply_tuned
from inferno.tuning.result import Key, Tuned, key_of, model_bytes, write


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF and more")
    return path


def digest_of(path: Path) -> str:
    from inferno.engine.model_digest import model_digest

    return model_digest(str(path), remembered=result.digests_file())


def settings(**flags: Any) -> Config:
    given = {key.replace("__", "."): (key, value) for key, value in flags.items()}
    return load(env={}, cwd=Path("/"), flags=given)


def keep(model: Path, config: Config | None = None, *, key: Key | None = None, **changes: Any) -> Tuned:
    tuned = Tuned(
        key or key_of(str(model), digest_of(model), (config or settings()).model),
        "m",
        model_bytes(str(model)),
        "2026-01-02T03:04:05+00:00",
        {"model.threads": 3, "engine.step_target_ms": 200.0},
        1.25,
        {"streams": 4},
        60.0,
        59.0,
        9,
        whole_grid=True,
        samples=[{"round": 0}],
    )
    tuned = replace(tuned, **changes)
    write(tuned)
    return tuned


def test_it_is_used_for_what_nobody_set(model: Path) -> None:
    keep(model)
    found = apply_tuned(settings(model__kv_layout="unified"), str(model))
    assert (found.config.model.threads, found.config.engine.step_target_ms) == (3, 200.0)
    assert found.config.origins["model.threads"] == "tuned"
    assert found.config.origins["model.kv_layout"] == "model__kv_layout"
    assert found.said == (
        "Tuned on 2026-01-02: threads 3, step_target_ms 200.0 (1.25 x the defaults' rate); --no-tuned leaves it out."
    )


def test_what_the_user_set_stays(model: Path) -> None:
    keep(model)
    found = apply_tuned(settings(model__threads=1), str(model))
    assert found.config.model.threads == 1
    assert found.config.engine.step_target_ms == 200.0
    assert found.said is not None
    assert "threads" not in found.said


def test_it_can_be_switched_off(model: Path) -> None:
    keep(model)
    config = settings(model__tuned=False)
    assert apply_tuned(config, str(model)).config is config


def test_it_goes_with_the_content_and_not_with_the_name(model: Path, tmp_path: Path) -> None:
    keep(model)
    moved = model.rename(tmp_path / "other.gguf")
    assert apply_tuned(settings(), str(moved)).config.model.threads == 3
    moved.write_bytes(b"GGUF and Less")
    assert apply_tuned(settings(), str(moved)).said is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"machine": {"cpu": "Other", "cores": 64, "memory_gib": 1}}, "another machine (Other, 64 cores)"),
        ({"engine": "inferno 0.0.0"}, "another version of the engine"),
        ({"sizes": {"slots": 2}}, "other sizes (slots 2)"),
    ],
)
def test_of_another_machine_version_or_size_it_is_not_used_and_that_is_said(
    model: Path, change: dict[str, Any], said: str
) -> None:
    keep(model, key=replace(key_of(str(model), digest_of(model), settings().model), **change))
    found = apply_tuned(settings(), str(model))
    assert found.config.model.threads is None
    assert found.said is not None
    assert said in found.said


def test_sizes_are_part_of_it(model: Path) -> None:
    keep(model, settings(model__context_tokens=256))
    assert apply_tuned(settings(model__context_tokens=256), str(model)).config.model.threads == 3
    assert apply_tuned(settings(), str(model)).config.model.threads is None


def test_the_defaults_may_be_best(model: Path) -> None:
    keep(model, settings={}, gain=1.0)
    found = apply_tuned(settings(), str(model))
    assert found.said == "Tuned on 2026-01-02: the defaults were fastest."
    assert "tuned" not in found.config.origins.values()


def test_what_is_broken_or_out_of_range_is_not_used(model: Path) -> None:
    tuned = keep(model, settings={"model.threads": -1})
    found = apply_tuned(settings(), str(model))
    assert found.config.model.threads is None
    assert found.said is not None
    assert "model.threads is -1" in found.said
    result.result_path(tuned.key, "m").write_text("{}")
    assert apply_tuned(settings(), str(model)).said is None


def test_a_model_that_was_never_tuned_is_not_read(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(model)
    larger = model.with_name("larger.gguf")
    larger.write_bytes(b"GGUF and much more than that")

    def never(*_: object, **__: object) -> str:
        raise AssertionError("a digest was made")

    monkeypatch.setattr("inferno.tuning.finding.model_digest", never)
    assert apply_tuned(settings(), str(larger)).said is None
