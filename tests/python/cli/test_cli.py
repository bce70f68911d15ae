"""The command line without a model: help, refusals before anything is loaded, settings shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inferno.cli import main
from inferno.cli.serve import announce, refuse_exposure, with_file_keys
from inferno.config import ServerSettings
from inferno.engine.client import ModelCard
from inferno.errors import ConfigError


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("serve",),
        ("run",),
        ("tune",),
        ("profile",),
        ("doctor",),
        ("version",),
        ("config", "show"),
        ("models", "inspect"),
    ],
)
def test_help(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*command, "--help") == 0
    assert "Usage: inferno" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "nowhere.gguf"], "nowhere.gguf: no such file or folder"),
        (["serve", "--host", "0.0.0.0"], "refusing to listen on 0.0.0.0"),
        (["serve", "--port", "70000"], "--port: server.port is 70000"),
        (["serve", "--api-key-file", "nowhere"], "key file cannot be read"),
        (["serve", "--config", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["serve", "--log-level", "loud"], "--log-level: server.log_level is 'loud'"),
        (["serve", "fake:", "--tenant-weight", "bob=2"], "tenant_weights names 'bob', which no API key has"),
        (["serve", "fake:", "--tenant-class", "bob=1"], "tenant_classes names 'bob', which no API key has"),
        (["serve", "fake:", "--tenant-class", "bob=x"], "--tenant-class: engine.tenant_classes"),
        (["serve", "fake:", "--tenant-class", "bob=10"], "should be less than or equal to 9"),
        (["serve", "fake:", "--tenant-weight", "bob"], "--tenant-weight: engine.tenant_weights is ['bob']"),
        (["run", "-p", "x", "--raw", "--system", "y"], "--system needs the chat template"),
        (["run", "nowhere.gguf", "-p", "x"], "nowhere.gguf: no such file"),
        (["tune", "--budget", "soon"], "--budget is 'soon'; it must be a time above 0"),
        (["tune", "--budget", "0m"], "--budget is '0m'"),
        (["tune", "nowhere.gguf"], "nowhere.gguf: no such file"),
        (["profile", "--batches", "1,0"], "--batches is '1,0'; it must be numbers from 1 on"),
        (["profile", "nowhere.gguf"], "nowhere.gguf: no such file"),
    ],
)
def test_refusals_exit_2_with_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    refuse_exposure(ServerSettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", ""])
def test_other_addresses_need_a_key_or_consent(host: str) -> None:
    with pytest.raises(ConfigError, match="--allow-anonymous"):
        refuse_exposure(ServerSettings(host=host))
    refuse_exposure(ServerSettings(host=host, allow_anonymous=True))
    refuse_exposure(ServerSettings(host=host, api_keys=("k",)))


def test_keys_of_the_file_join_the_given_ones(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# mine\nfrom-file\n\n")
    settings = with_file_keys(ServerSettings(api_keys=("given",), api_key_file=str(tmp_path / "keys")))
    assert settings.api_keys == ("given", "from-file")


def test_a_refusal_of_the_engine_names_the_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", "-p", "x", "--threads", "100000") == 2
    assert "threads is 100000; it must be" in (said := capsys.readouterr().err)
    assert said.endswith(" (--threads)\n")


def test_config_show_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inferno.toml").write_text("[server]\nport = 9000\n")
    monkeypatch.setenv("INFERNO_SERVER__API_KEYS", "top-secret,other")
    assert run("config", "show", "--origin") == 0
    shown = capsys.readouterr().out
    assert "port = 9000  # inferno.toml:2" in shown
    assert 'host = "127.0.0.1"  # default' in shown
    assert 'api_keys = ["(redacted)", "(redacted)"]  # INFERNO_SERVER__API_KEYS' in shown
    assert "secret" not in shown


def test_announcement(capsys: pytest.CaptureFixture[str]) -> None:
    card = ModelCard("m", "llama", "", 1, 1, 1, 1, "CPU", "llama", has_chat_template=False, loaded_at=0)
    announce("http://127.0.0.1:1", card, keyed=True)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Inferno is listening on http://127.0.0.1:1 (model m), computed by llama"
    assert "http://127.0.0.1:1/v1/completions" in second
    assert "authorization: Bearer" in second


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    import inferno

    assert run("version") == 0
    assert capsys.readouterr().out == f"{inferno.__version__}\n"


def test_conventional_names_of_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    import inferno

    assert run("--version") == 0
    assert capsys.readouterr().out == f"inferno {inferno.__version__}\n"
    assert run("serve", "-h") == 0
    assert "Usage: inferno serve" in capsys.readouterr().out


def test_flags_of_other_servers_are_named_as_they_are_here(capsys: pytest.CaptureFixture[str]) -> None:
    from inferno.cli import flags
    from inferno.cli.foreign import OURS

    assert run("serve", "model.gguf", "--ctx-size=4096") == 2
    assert "--ctx-size is another server's name: here it is --context" in capsys.readouterr().err
    assert run("serve", "--nonsense") == 2
    assert "another server's" not in capsys.readouterr().err
    known = {flag for _, flag in flags._PARAMETERS.values()}
    assert {re.split("[, ]", ours)[0] for ours in OURS.values()} <= known
    assert not OURS.keys() & known


def test_commands_of_other_programs_are_named_as_they_are_here(capsys: pytest.CaptureFixture[str]) -> None:
    import typer

    from inferno.cli import app
    from inferno.cli.foreign import COMMANDS

    assert run("pull", "llama3") == 2
    assert "pull is another program's command; here: models are not fetched" in capsys.readouterr().err
    assert run("run", "ember", "What is 2 plus 3?") == 2
    assert "The prompt goes behind -p" in capsys.readouterr().err
    assert run("run", "ember", "-p", "Hello", "--nonsense") == 2
    assert "The prompt goes" not in capsys.readouterr().err
    ours = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert not COMMANDS.keys() & ours
    assert {name for said in COMMANDS.values() for name in re.findall(r"inferno (\w+)", said)} <= ours


def test_every_engine_and_model_setting_has_a_flag() -> None:
    from inferno.cli import flags
    from inferno.config.layers import KEYS

    keys = {key for key, _ in flags._PARAMETERS.values()}
    assert set(KEYS) == keys


def test_parameters_are_named_as_their_flags() -> None:
    """A parameter of another name would be passed over."""
    import typer

    from inferno.cli import app, flags

    by_flag = {flag.partition("/")[0]: name for name, (_, flag) in flags._PARAMETERS.items()}
    commands = typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
    given = [(one.opts[0], one.name) for command in commands for one in command.params if one.opts[0] in by_flag]
    assert ("--mmap", "mmap") in given
    assert all(by_flag[flag] == name for flag, name in given)
