"""``inferno tune`` and ``inferno profile`` as people type them, on the test model and on the built-in one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.process import running
from inferno.cli import main
from inferno.cli.tune import _progress, report, seconds_of
from inferno.config import load
from inferno.tuning import measuring, search
from inferno.tuning import tune as tuning
from inferno.tuning.result import Key, Tuned, digests_file, key_of, model_bytes, write
from inferno.tuning.search import Sample, record


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(measuring, "LEAST_SECONDS", 1e-3)
    monkeypatch.setattr(tuning, "MOST_UNSTEADY", 1e9)
    monkeypatch.setattr(search, "MOST_ROUNDS", 2)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def keep_for_ember(settings: dict[str, Any]) -> None:
    from inferno.engine.model_digest import model_digest
    from inferno.models.builtin import ember_path

    path = str(ember_path())
    key = key_of(path, model_digest(path, remembered=digests_file()), load(env={}).model)
    size = model_bytes(path)
    write(
        Tuned(
            key,
            "ember",
            size,
            "2026-01-02T00:00:00+00:00",
            settings,
            1.5,
            {},
            60.0,
            60.0,
            4,
            whole_grid=True,
            samples=[],
        )
    )


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("1.5m", 90), ("2h", 7200), ("45", 45), (" 3 s ", 3)])
def test_budgets(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


def test_tune_keeps_its_result_with_every_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("tune", "fake:", "--budget", "1h", "--streams", "2", "--prompt-tokens", "8", "--answer-tokens", "4")
    assert run(*arguments, "--only", "kv-layout,batch_rows", "--json") == 0
    said = capsys.readouterr()
    printed = json.loads(said.out)
    (kept,) = (tmp_path / "cache" / "inferno" / "tuned").iterdir()
    assert json.loads(kept.read_text()) == printed
    assert printed["workload"]["streams"] == 2
    assert {"settings", "round", "tokens_per_second", "gap_p95", "seconds"} <= printed["samples"][0].keys()
    assert printed["key"]["model"] == "fake:"
    assert "tok/s  the defaults" in said.err


def test_what_one_round_measured_is_not_called_slower(capsys: pytest.CaptureFixture[str]) -> None:
    sample = {"settings": {}, "tokens_per_second": 10.0, "gap_p95": 0.1}
    faster = {**sample, "settings": {"model.threads": 1}, "tokens_per_second": 20.0}
    key = Key(model="m", machine={}, engine="e", sizes={})
    for rounds, said in ((1, "a larger --budget measures again"), (2, "Nothing is faster than the defaults.")):
        samples = [one for one in (sample, faster) for _ in range(rounds)]
        report(Tuned(key, "m", 1, "", {}, 1.0, {}, 1.0, 1.0, 2, whole_grid=True, samples=samples))
        assert said in capsys.readouterr().out


def test_what_is_refused_has_its_reason_and_no_rate(capsys: pytest.CaptureFixture[str]) -> None:
    layout = (("model.kv_layout", "per_sequence"),)
    why = "context_tokens would be 2048, with the defaults it is 32768"
    measured, refused = Sample(10.0, 0.1, 0.1, 1.0), Sample(0.0, 0.0, 0.0, 0.3, why)
    with _progress("m", 10.0) as progress:
        progress((), measured, 1.0)
        progress(layout, refused, 1.3)
    assert f"   1.3 s         refused  kv_layout per_sequence: {why}\n" in capsys.readouterr().err
    samples = [record((), 0, measured), record(layout, 0, refused)]
    key = Key(model="m", machine={}, engine="e", sizes={})
    report(Tuned(key, "m", 1, "", {}, 1.0, {}, 1.0, 1.3, 2, whole_grid=True, samples=samples))
    said = capsys.readouterr().out
    assert f"Refused: kv_layout per_sequence: {why}\n" in said
    assert "1 of 2 combinations were measured, 1 samples in 1 s." in said
    assert " 0.0 " not in said


def test_a_setting_that_cannot_be_tuned_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tune", "fake:", "--only", "threads") == 2
    assert "threads is nothing to be tuned with this model; known: kv_layout" in capsys.readouterr().err


def test_config_show_says_what_was_tuned(capsys: pytest.CaptureFixture[str]) -> None:
    keep_for_ember({"model.threads": 1})
    assert run("config", "show", "--origin") == 0
    assert "threads = 1  # tuned" in capsys.readouterr().out
    assert run("config", "show", "fake:", "--origin") == 0
    assert "# tuned" not in capsys.readouterr().out
    assert run("config", "show", "nowhere.gguf") == 0
    assert "# tuned settings are left out: nowhere.gguf: no such file" in capsys.readouterr().out


def test_run_uses_it_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    keep_for_ember({"model.threads": 1})
    assert run("run", "-p", "What is 12 plus 30?", "--temperature", "0", "--max-tokens", "16") == 0
    said = capsys.readouterr()
    assert "42" in said.out
    assert "Tuned on 2026-01-02: threads 1 (1.50 x the defaults' rate)" in said.err
    assert run("run", "-p", "What is 12 plus 30?", "--max-tokens", "1", "--no-tuned") == 0
    assert "Tuned" not in capsys.readouterr().err


@pytest.mark.e2e
def test_serve_shows_the_settings_in_force() -> None:
    keep_for_ember({"model.threads": 1, "model.batch_rows": 128, "engine.step_target_ms": 800.0})
    with running("--batch-rows", "256") as server, server.client() as client:
        (model,) = client.get("/v1/models").json()["data"]
    assert model["applied"]["threads"] == 1
    assert model["applied"]["batch_rows"] == 256
    assert model["applied"]["step_target_ms"] == 800.0
    assert model["applied"]["kv_layout"] == "per_sequence"
    assert model["applied"]["flash_attention"] == "on"


def test_profile_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("profile", "--tokens", "64", "--prompt-tokens", "8", "--batches", "2,1", "--threads", "1")
    assert run(*arguments, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"] == "ember"
    assert found["applied"]["threads"] == 1
    assert sum(phase["seconds"] for phase in found["phases"]) == pytest.approx(found["wall_seconds"])
    rates = [phase["tokens_per_second"] for phase in found["phases"] if phase["name"] == "decode"]
    assert len(rates) == 2
    assert all(rate > 0 for rate in rates)
    assert found["memory"]["kv_bytes"] == found["memory"]["kv_held_bytes"]
    assert found["operators"]["decode"]


def test_profile_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("profile", "--tokens", "8", "--prompt-tokens", "8", "--batches", "1", "--threads", "1")
    assert run(*arguments, "--context", "1024", "--slots", "2") == 0
    said = capsys.readouterr().out
    assert "KV cache                   9,437,184 bytes" in said
    assert "frees 7077888 bytes (6.8 MiB) of KV cache" in said
    assert run(*arguments, "--context", "256", "--slots", "2") == 0
    assert "no advice" in capsys.readouterr().out
    assert run("profile", "fake:", "--tokens", "4", "--prompt-tokens", "8", "--batches", "1") == 0
    assert "operators: the backend 'fake' cannot tell its operators apart" in capsys.readouterr().out
