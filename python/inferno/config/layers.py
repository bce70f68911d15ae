"""Where values come from: defaults < tuned < inferno.toml < INFERNO_* environment < flags. Each knows its origin."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args

from pydantic import TypeAdapter, ValidationError

from inferno.config.settings import SECTIONS, EngineSettings, ModelSettings, ServerSettings, StoreSettings
from inferno.config.toml_lines import line_of
from inferno.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "inferno.toml"
ENV_PREFIX = "INFERNO_"
_NOT_SETTINGS = ("INFERNO_TEST_",)
"""Environment of our own test suite."""

BY_OPTION = "model.backend_options"
"""Its options are set one by one: a layer leaves those that it does not name as they are below."""

DEFAULT, TUNED = "default", "tuned"
"""Origins of values that are not written down anywhere."""

KEYS = tuple(f"{section}.{name}" for section, cls in SECTIONS.items() for name in cls.model_fields)


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, validated, and where each was set ("default" for those nobody set, "tuned" for measured ones)."""

    server: ServerSettings
    model: ModelSettings
    engine: EngineSettings
    store: StoreSettings
    origins: Mapping[str, str]

    def value(self, key: str) -> Any:
        section, _, name = key.partition(".")
        return getattr(getattr(self, section), name)


@dataclass(frozen=True, slots=True)
class _Given:
    key: str
    value: Any
    origin: str


def load(
    *,
    flags: Mapping[str, tuple[str, Any]] | None = None,
    file: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Config:
    """Merge the layers. ``flags`` maps ``section.name`` to (flag as typed, value); None values were not given.

    ``file`` is the --config argument; without it ``inferno.toml`` in ``cwd`` is read if it is there.
    Raises ConfigError for an unknown key, a value out of range, or a file that cannot be read or parsed.
    """
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    origins = dict.fromkeys(KEYS, DEFAULT)
    for given in _layers(flags or {}, file, os.environ if env is None else env, cwd or Path.cwd()):
        section, _, name = given.key.partition(".")
        valid = _validated(given)
        if given.key == BY_OPTION:
            valid = {**values[section].get(name, {}), **valid}
        values[section][name] = valid
        origins[given.key] = given.origin
    return Config(
        server=ServerSettings(**values["server"]),
        model=ModelSettings(**values["model"]),
        engine=EngineSettings(**values["engine"]),
        store=StoreSettings(**values["store"]),
        origins=MappingProxyType(origins),
    )


def with_tuned(config: Config, values: Mapping[str, Any]) -> Config:
    """``config`` with ``section.name`` values that were measured to be best, where nobody set anything else.

    A layer of its own, since which values those are depends on the model, which is a setting. Raises ConfigError as
    :func:`load` does.
    """
    sections = {section: getattr(config, section) for section in SECTIONS}
    origins = dict(config.origins)
    for key, value in values.items():
        if key not in origins:
            raise ConfigError(f"{TUNED}: unknown setting '{key}'{_suggest(key, KEYS)}")
        if origins[key] != DEFAULT:
            continue
        section, _, name = key.partition(".")
        valid = _validated(_Given(key, value, TUNED))
        sections[section] = sections[section].model_copy(update={name: valid})
        origins[key] = TUNED
    return Config(**sections, origins=MappingProxyType(origins))


def _layers(
    flags: Mapping[str, tuple[str, Any]], file: str | None, env: Mapping[str, str], cwd: Path
) -> Iterator[_Given]:
    path = Path(file) if file is not None else cwd / FILE_NAME
    if file is not None or path.is_file():
        yield from _from_file(path, shown=file or FILE_NAME)
    yield from _from_env(env)
    for key, (flag, value) in flags.items():
        if value is not None:
            yield _Given(key, value, flag)


def _from_file(path: Path, *, shown: str) -> Iterator[_Given]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{shown}: is not UTF-8 text") from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{shown}: {error}") from None
    for section, table in document.items():
        where = _place(shown, line_of(text, section))
        if not isinstance(table, dict) and section not in SECTIONS:
            raise ConfigError(f"{where}: '{section}' stands in no section{_suggest(section, KEYS)}")
        if section not in SECTIONS:
            raise ConfigError(f"{where}: unknown section [{section}]{_suggest(section, SECTIONS)}")
        if not isinstance(table, dict):
            raise ConfigError(f"{where}: '{section}' is a section: write [{section}], then its settings below")
        for name, value in table.items():
            where = _place(shown, line_of(text, section, name))
            if name not in SECTIONS[section].model_fields:
                raise ConfigError(f"{where}: unknown setting '{section}.{name}'{_suggest(f'{section}.{name}', KEYS)}")
            yield _Given(f"{section}.{name}", value, where)


def _from_env(env: Mapping[str, str]) -> Iterator[_Given]:
    known = {f"{ENV_PREFIX}{key.replace('.', '__').upper()}": key for key in KEYS}
    for variable in sorted(env):
        if not variable.startswith(ENV_PREFIX) or variable.startswith(_NOT_SETTINGS):
            continue
        if variable not in known:
            raise ConfigError(f"unknown environment variable {variable}{_suggest(variable, known)}")
        key, raw = known[variable], env[variable]
        section, _, name = key.partition(".")
        is_list = SECTIONS[section].model_fields[name].annotation == tuple[str, ...]
        yield _Given(key, [part.strip() for part in raw.split(",") if part.strip()] if is_list else raw, variable)


def _place(shown: str, line: int | None) -> str:
    return shown if line is None else f"{shown}:{line}"


def _suggest(given: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.4)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"


def _validated(given: _Given) -> Any:
    section, _, name = given.key.partition(".")
    info = SECTIONS[section].model_fields[name]
    kind: Any = info.annotation
    if isinstance(given.value, bool) and bool not in (kind, *get_args(kind)):
        raise ConfigError(f"{given.origin}: {given.key} is {str(given.value).lower()}, which is not one of its values")
    for constraint in info.metadata:
        kind = Annotated[kind, constraint]
    try:
        return TypeAdapter(kind).validate_python(given.value)
    except ValidationError as error:
        shown = "(not shown)" if name == "api_keys" else repr(given.value)
        said = (
            e["msg"].replace("Input should be ", "should be ").removeprefix("Value error, ") for e in error.errors()
        )
        problem = "; ".join(dict.fromkeys(said))
        raise ConfigError(f"{given.origin}: {given.key} is {shown}: {problem}") from None
