"""Configuration of an adapter: a YAML file, overridden by `BATON_*`, overridden by flags.

Reading collects every problem and reports them together.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_ADDRESS = re.compile(r"unix:.+|\[[0-9A-Fa-f:.]+\]:\d{1,5}|[^\s:/]+:\d{1,5}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MODEL_KEYS = {"model", "temperature", "max_tokens", "timeout"} | {
    f"{name}{how}" for name in ("base_url", "api_key") for how in ("", "_env", "_file", "_command")
}


class ConfigError(Exception):
    """Everything that is wrong with a configuration, one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class ModelConfig:
    """What a model alias stands for. `base_url` empty: the provider's own address."""

    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    temperature: float | None = None
    max_tokens: int | None = None
    timeout_s: float = 120.0


@dataclass(frozen=True)
class Config:
    """The settings of one adapter process. Times are seconds; addresses host:port or unix:PATH."""

    adapter: str
    instance: str
    orchestrator: str = "127.0.0.1:7420"
    listen: str = "127.0.0.1:0"
    # What the orchestrator dials back; empty: where the server listens.
    advertise: str = ""
    http: str = "127.0.0.1:0"
    mode: str = "local"
    data: Path = Path()
    results: str = "callback"
    max_concurrency: int = 4
    models: Mapping[str, ModelConfig] = field(default_factory=dict)
    entrypoints: tuple[str, ...] = ()
    # On SIGTERM runs may finish for this long (`finish`) or are handed back at once (`hand_back`).
    shutdown_grace_s: float = 30.0
    shutdown_in_flight: str = "finish"
    # How long the end of a run is remembered; longer than any DispatchTask can be under way.
    tombstone_s: float = 3600.0
    log_format: str = "json"
    log_level: str = "info"


@dataclass(frozen=True)
class _Setting:
    """A scalar setting: its place in the file, its field in `Config`, and how it is read."""

    path: str
    attribute: str
    read: Any
    help: str

    @property
    def variable(self) -> str:
        return "BATON_" + self.path.replace(".", "_").upper()

    @property
    def flag(self) -> str:
        return "--" + self.path.replace(".", "-").replace("_", "-")


def parse_duration(value: Any) -> float:
    """Seconds of `500ms`, `30s`, `2m`, `1h`, `7d`; a bare number is refused."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a duration such as 500ms, 30s, 2m or 1h")
    return float(match[1]) * _UNIT_S[match[2]]


def _address(value: Any) -> str:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise ValueError(f"{value!r} is not an address such as 127.0.0.1:7420 or unix:PATH")
    return value


def _tcp_address(value: Any) -> str:
    if str(value).startswith("unix:"):
        raise ValueError(f"{value!r} is not host:port")
    return _address(value)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not a name: letters, digits and ._:- up to 255 bytes")
    return value


def _positive(value: Any) -> int:
    number = int(value) if isinstance(value, str) and value.isdigit() else value
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"{value!r} is not a whole number of at least 1")
    return number


def _one_of(*words: str) -> Any:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is not one of {', '.join(words)}")
        return str(value)

    return read


def _path(value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a folder")
    return Path(value)


_SETTINGS = (
    _Setting("orchestrator", "orchestrator", _address, "where the orchestrator listens"),
    _Setting("instance", "instance", _name, "name of this instance, the same after a restart"),
    _Setting("listen", "listen", _address, "where this adapter listens; port 0: any free one"),
    _Setting("advertise", "advertise", _address, "where the orchestrator reaches this adapter"),
    _Setting("http", "http", _tcp_address, "where /healthz, /readyz and /metrics are served"),
    _Setting("mode", "mode", _one_of("local"), "where tasks run: local"),
    _Setting("data", "data", _path, "folder of the table of runs"),
    _Setting("results", "results", _one_of("callback", "poll"), "how results are delivered"),
    _Setting("max_concurrency", "max_concurrency", _positive, "tasks that run at one time"),
    _Setting("shutdown.grace", "shutdown_grace_s", parse_duration, "time to end after SIGTERM"),
    _Setting(
        "shutdown.in_flight",
        "shutdown_in_flight",
        _one_of("finish", "hand_back"),
        "what becomes of running tasks on SIGTERM: finish, hand_back",
    ),
    _Setting("tombstones", "tombstone_s", parse_duration, "how long ended runs are remembered"),
    _Setting("log_format", "log_format", _one_of("json", "text"), "json or text"),
    _Setting(
        "log_level",
        "log_level",
        _one_of("debug", "info", "warning", "error"),
        "debug, info, warning or error",
    ),
)
_TOP_LEVEL = {setting.path.split(".", maxsplit=1)[0] for setting in _SETTINGS}


def load_config(
    adapter: str, argv: Sequence[str], environment: Mapping[str, str] | None = None
) -> Config:
    """The configuration of `adapter`, or `ConfigError` with every problem found.

    The file is `--config`, by default `./ADAPTER.yaml` where it exists.
    """
    environ = os.environ if environment is None else environment
    flags = _parse_flags(adapter, argv)
    problems: list[str] = []
    document = _read_file(adapter, flags.pop("config"), problems)
    for key in sorted(set(document) - _TOP_LEVEL - {"models", "entrypoints"}, key=str):
        problems.append(f"{key}: there is no such setting")
    values: dict[str, Any] = {
        "instance": f"{adapter}-1",
        "data": Path(f"{adapter}-data"),
        "models": _read_models(document.get("models"), environ, problems),
        "entrypoints": _read_entrypoints(document.get("entrypoints"), problems),
    }
    for setting in _SETTINGS:
        found = _find(setting, document, environ, flags)
        if found is None:
            continue
        source, value = found
        try:
            values[setting.attribute] = setting.read(value)
        except ValueError as error:
            problems.append(f"{source}: {error}")
    if problems:
        raise ConfigError(problems)
    return Config(adapter=adapter, **values)


def _parse_flags(adapter: str, argv: Sequence[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(
        prog=f"baton-{adapter}",
        description=f"Baton's {adapter} adapter: runs tasks that the orchestrator hands out.",
        allow_abbrev=False,
    )
    parser.add_argument("--config", help=f"YAML file; by default ./{adapter}.yaml if it exists")
    for setting in _SETTINGS:
        parser.add_argument(
            setting.flag, dest=setting.path, help=f"{setting.help} ({setting.variable})"
        )
    return vars(parser.parse_args(argv))


def _read_file(adapter: str, name: str | None, problems: list[str]) -> dict[str, Any]:
    path = Path(name or f"{adapter}.yaml")
    if name is None and not path.exists():
        return {}
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problems.append(f"{path}: {error}")
        return {}
    if document is None:
        return {}
    if not isinstance(document, dict):
        problems.append(f"{path}: the file is not a mapping of settings")
        return {}
    return document


def _find(
    setting: _Setting,
    document: Mapping[str, Any],
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
) -> tuple[str, Any] | None:
    if flags.get(setting.path) is not None:
        return setting.flag, flags[setting.path]
    if setting.variable in environ:
        return setting.variable, environ[setting.variable]
    place: Any = document
    for part in setting.path.split("."):
        if not isinstance(place, Mapping) or part not in place:
            return None
        place = place[part]
    return setting.path, place


def _read_entrypoints(value: Any, problems: list[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        problems.append('entrypoints: not a list of module patterns such as "examples.*"')
        return ()
    return tuple(value)


def _read_models(
    value: Any, environ: Mapping[str, str], problems: list[str]
) -> dict[str, ModelConfig]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.append("models: not a mapping of aliases")
        return {}
    models = {}
    for alias, body in value.items():
        if not isinstance(body, dict):
            problems.append(f"models.{alias}: not a mapping")
            continue
        models[str(alias)] = _read_model(f"models.{alias}", body, environ, problems)
    return models


def _read_model(
    where: str, body: Mapping[str, Any], environ: Mapping[str, str], problems: list[str]
) -> ModelConfig:
    for key in sorted(set(body) - _MODEL_KEYS, key=str):
        problems.append(f"{where}.{key}: there is no such setting")
    values: dict[str, Any] = {}
    for key, attribute, read in (
        ("model", "model", _text),
        ("temperature", "temperature", _number),
        ("max_tokens", "max_tokens", _positive),
        ("timeout", "timeout_s", parse_duration),
    ):
        if key in body:
            try:
                values[attribute] = read(body[key])
            except ValueError as error:
                problems.append(f"{where}.{key}: {error}")
    if "model" not in body:
        problems.append(f"{where}.model: missing; the provider's name of the model")
    known = len(problems)
    base_url = _from_anywhere(where, "base_url", body, environ, problems)
    api_key = _from_anywhere(where, "api_key", body, environ, problems)
    if not base_url and not api_key and len(problems) == known:
        problems.append(f"{where}: neither a base URL nor an API key is set")
    return ModelConfig(**{"model": "", **values}, base_url=base_url, api_key=api_key)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a text")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 2:
        raise ValueError(f"{value!r} is not a number from 0 to 2")
    return float(value)


def _from_anywhere(
    where: str,
    key: str,
    body: Mapping[str, Any],
    environ: Mapping[str, str],
    problems: list[str],
) -> str:
    """A value given as such, by a variable's name, by a file or by a program that prints it."""
    given = [name for name in (key, f"{key}_env", f"{key}_file", f"{key}_command") if name in body]
    if len(given) > 1:
        problems.append(f"{where}: {' and '.join(given)} are set; one is enough")
    if not given:
        return ""
    name = given[0]
    source = body[name]
    if not isinstance(source, str):
        problems.append(f"{where}.{name}: {source!r} is not a text")
        return ""
    try:
        if name.endswith("_env"):
            return environ.get(source, "").strip()
        if name.endswith("_file"):
            return Path(source).read_text(encoding="utf-8").strip()
        if name.endswith("_command"):
            # The operator's own configuration names the program; a shell is what they expect.
            done = subprocess.run(
                ["/bin/sh", "-c", source], capture_output=True, text=True, check=True, timeout=30
            )
            return done.stdout.strip()
    except (OSError, UnicodeDecodeError, subprocess.SubprocessError) as error:
        problems.append(f"{where}.{name}: {error}")
        return ""
    return source
