"""Layers: who wins, what is refused, and where each value is said to come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferno.config import load
from inferno.config.layers import with_tuned
from inferno.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "inferno.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_defaults(tmp_path: Path) -> None:
    config = load(env={}, cwd=tmp_path)
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8080)
    assert config.engine.max_running is None
    assert set(config.origins.values()) == {"default"}


def test_each_layer_wins_over_the_one_below(tmp_path: Path) -> None:
    cwd = write(tmp_path, "[server]\nport = 1001\nhost = '::1'\ngrace_seconds = 5\n")
    env = {"INFERNO_SERVER__PORT": "1002", "INFERNO_SERVER__HOST": "127.0.0.2", "OTHER": "x"}
    config = load(env=env, cwd=cwd, flags={"server.port": ("--port", 1003), "server.host": ("--host", None)})
    assert (config.server.port, config.origins["server.port"]) == (1003, "--port")
    assert (config.server.host, config.origins["server.host"]) == ("127.0.0.2", "INFERNO_SERVER__HOST")
    assert (config.server.grace_seconds, config.origins["server.grace_seconds"]) == (5.0, "inferno.toml:4")
    assert config.origins["model.threads"] == "default"


def test_environment_values_are_parsed(tmp_path: Path) -> None:
    env = {
        "INFERNO_SERVER__API_KEYS": "one, two",
        "INFERNO_SERVER__IMAGE_HOSTS": "a.org,b.org",
        "INFERNO_SERVER__ALLOW_ANONYMOUS": "true",
        "INFERNO_ENGINE__PREFIX_CACHE": "0",
        "INFERNO_MODEL__GPU_LAYERS": "-1",
        "INFERNO_TEST_ANYTHING": "not a setting",
    }
    config = load(env=env, cwd=tmp_path)
    assert config.server.api_keys == ("one", "two")
    assert config.server.image_hosts == ("a.org", "b.org")
    assert config.server.allow_anonymous is True
    assert config.engine.prefix_cache is False
    assert config.model.gpu_layers == -1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\n\nprot = 1\n", r"inferno.toml:3: unknown setting 'server.prot'; did you mean server.port\?"),
        ("[serve]\nport = 1\n", r"inferno.toml:1: unknown section \[serve\]; did you mean server\?"),
        ("port = 8090\n", r"inferno.toml:1: 'port' stands in no section; did you mean server.port\?"),
        ("server = 3\n", r"inferno.toml:1: 'server' is a section"),
        ("[server]\nport = 70000\n", r"inferno.toml:2: server.port is 70000: should be less than or equal to 65535"),
        ("[server]\nport = true\n", r"inferno.toml:2: server.port is true"),
        ("[model]\nkv_type = 'f8'\n", r"inferno.toml:2: model.kv_type is 'f8': should be 'f32', 'f16'"),
        ("server.port = 'x'\n", r"inferno.toml:1: server.port is 'x': should be a valid integer"),
        ("[server\n", r"inferno.toml: .*line 1"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(env={}, cwd=write(tmp_path, text))


def test_an_unknown_variable_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="INFERNO_PORT; did you mean INFERNO_SERVER__PORT"):
        load(env={"INFERNO_PORT": "1"}, cwd=tmp_path)


def test_a_bad_flag_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--max-running: engine.max_running is 0: should be greater than 0"):
        load(env={}, cwd=tmp_path, flags={"engine.max_running": ("--max-running", 0)})


def test_keys_are_never_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(env={}, cwd=write(tmp_path, "[server]\napi_keys = [17, 'secret']\n"))
    assert "secret" not in raised.value.message
    assert "server.api_keys" in raised.value.message


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.toml: cannot be read \(No such file or directory\)"):
        load(env={}, file=str(tmp_path / "nowhere.toml"))


def test_a_named_file_is_read_instead_of_the_default_one(tmp_path: Path) -> None:
    cwd = write(tmp_path, "[server]\nport = 1\n")
    (tmp_path / "other.toml").write_text("[server]\nhost = '127.0.0.9'\n")
    config = load(env={}, cwd=cwd, file=str(tmp_path / "other.toml"))
    assert (config.server.host, config.server.port) == ("127.0.0.9", 8080)


def test_tuned_values_lie_between_the_defaults_and_what_anybody_set(tmp_path: Path) -> None:
    cwd = write(tmp_path, "[model]\nbatch_rows = 64\n")
    env = {"INFERNO_ENGINE__STEP_TARGET_MS": "100"}
    config = load(env=env, cwd=cwd, flags={"model.slots": ("--slots", 3)})
    tuned = {"model.batch_rows": 128, "engine.step_target_ms": 800.0, "model.slots": 9, "model.threads": 4}
    after = with_tuned(config, tuned)
    assert (after.model.batch_rows, after.engine.step_target_ms, after.model.slots) == (64, 100.0, 3)
    assert (after.model.threads, after.origins["model.threads"]) == (4, "tuned")
    assert (config.model.threads, config.origins["model.threads"]) == (None, "default")


@pytest.mark.parametrize(
    ("values", "message"),
    [({"model.prot": 1}, "tuned: unknown setting 'model.prot'"), ({"model.threads": 0}, "tuned: model.threads is 0")],
)
def test_tuned_values_are_checked_as_all_others(values: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        with_tuned(load(env={}, cwd=Path("/")), values)


def test_options_of_backends_come_one_by_one_in_any_layers_way(tmp_path: Path) -> None:
    cwd = write(tmp_path, "[model.backend_options]\nonnx.provider = 'cuda'\nlinear.fast = true\n'linear.scale' = 2.5\n")
    env = {"INFERNO_MODEL__BACKEND_OPTIONS": "onnx.provider=cuda:device_id=1,cpu;linear.depth=3"}
    flag = ("--backend-option", ["linear.scale=4"])
    config = load(env=env, cwd=cwd, flags={"model.backend_options": flag})
    assert config.model.backend_options == {
        "onnx.provider": "cuda:device_id=1,cpu",
        "linear.fast": "true",
        "linear.scale": "4",
        "linear.depth": "3",
    }
    assert config.origins["model.backend_options"] == "--backend-option"
    assert load(env={}, cwd=cwd).model.backend_options["linear.scale"] == "2.5"


@pytest.mark.parametrize("given", ["provider=cpu", "Onnx.provider=cpu", "=", "onnx.=x"])
def test_options_without_a_backends_name_are_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(ConfigError, match="--backend-option: model.backend_options"):
        load(env={}, cwd=tmp_path, flags={"model.backend_options": ("--backend-option", [given])})
