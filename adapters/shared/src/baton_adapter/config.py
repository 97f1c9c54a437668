"""Configuration of an adapter: a YAML file, overridden by `BATON_*`, overridden by flags.

Reading collects every problem and reports them together.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from baton_adapter import values
from baton_adapter.aliases import ModelConfig, read_models

__all__ = ["Config", "ConfigError", "ModelConfig", "load_config"]


class ConfigError(Exception):
    """Everything that is wrong with a configuration, one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


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
    # Serve, and call the orchestrator, without TLS where other machines can reach it.
    insecure: bool = False
    # PEM files: the adapter's own certificate and key, the authorities of the orchestrator (none:
    # the system's), and those of clients, which must have a certificate then.
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None
    tls_client_ca: Path | None = None
    # The name of the orchestrator's certificate; empty: the host that is called.
    tls_server_name: str = ""
    # The token to show to the orchestrator: in a file, or itself (BATON_TOKEN alone).
    token_file: Path | None = None
    token: str = field(default="", repr=False)
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
    read: Callable[[Any], Any]
    help: str

    @property
    def variable(self) -> str:
        return "BATON_" + self.path.replace(".", "_").upper()

    @property
    def flag(self) -> str:
        return "--" + self.path.replace(".", "-").replace("_", "-")


_SETTINGS = (
    _Setting("orchestrator", "orchestrator", values.endpoint, "where the orchestrator listens"),
    _Setting(
        "instance", "instance", values.name, "name of this instance, the same after a restart"
    ),
    _Setting(
        "listen", "listen", values.address, "where this adapter listens; port 0: any free one"
    ),
    _Setting(
        "advertise", "advertise", values.endpoint, "where the orchestrator reaches this adapter"
    ),
    _Setting("http", "http", values.tcp_address, "where /healthz, /readyz and /metrics are served"),
    _Setting(
        "insecure", "insecure", values.truth, "true: speak without TLS beyond this machine as well"
    ),
    _Setting(
        "tls.certificate", "tls_certificate", values.file, "PEM file of this adapter's certificate"
    ),
    _Setting("tls.key", "tls_key", values.file, "PEM file of the certificate's key"),
    _Setting(
        "tls.ca", "tls_ca", values.file, "PEM file of who signs the orchestrator's certificate"
    ),
    _Setting(
        "tls.client_ca", "tls_client_ca", values.file, "PEM file of who signs clients' certificates"
    ),
    _Setting(
        "tls.server_name",
        "tls_server_name",
        values.text,
        "name of the orchestrator's certificate, if not its host",
    ),
    _Setting(
        "token_file", "token_file", values.file, "file with the token to show to the orchestrator"
    ),
    _Setting("mode", "mode", values.one_of("local"), "where tasks run: local"),
    _Setting("data", "data", values.path, "folder of the table of runs"),
    _Setting("results", "results", values.one_of("callback", "poll"), "how results are delivered"),
    _Setting("max_concurrency", "max_concurrency", values.positive, "tasks that run at one time"),
    _Setting("shutdown.grace", "shutdown_grace_s", values.duration, "time to end after SIGTERM"),
    _Setting(
        "shutdown.in_flight",
        "shutdown_in_flight",
        values.one_of("finish", "hand_back"),
        "what becomes of running tasks on SIGTERM: finish, hand_back",
    ),
    _Setting("tombstones", "tombstone_s", values.duration, "how long ended runs are remembered"),
    _Setting("log_format", "log_format", values.one_of("json", "text"), "json or text"),
    _Setting(
        "log_level",
        "log_level",
        values.one_of("debug", "info", "warning", "error"),
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
    given: dict[str, Any] = {
        "instance": f"{adapter}-1",
        "data": Path(f"{adapter}-data"),
        "token": environ.get("BATON_TOKEN", ""),
        "models": read_models(document.get("models"), environ, problems),
        "entrypoints": _read_entrypoints(document.get("entrypoints"), problems),
    }
    for setting in _SETTINGS:
        found = _find(setting, document, environ, flags)
        if found is None:
            continue
        source, value = found
        try:
            given[setting.attribute] = setting.read(value)
        except ValueError as error:
            problems.append(f"{source}: {error}")
    listens = str(given.get("listen", ""))
    if listens.startswith(("0.0.0.0:", "[::]:")) and not given.get("advertise"):
        problems.append(
            f"advertise: missing; nobody can dial {listens}, where this adapter listens"
        )
    if problems:
        raise ConfigError(problems)
    return Config(adapter=adapter, **given)


class _FlagParser(argparse.ArgumentParser):
    """One whose mistakes are mistakes of the configuration."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError([message])


def _parse_flags(adapter: str, argv: Sequence[str]) -> dict[str, Any]:
    parser = _FlagParser(
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
