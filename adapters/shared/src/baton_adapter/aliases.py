"""The model aliases of a configuration: where a model is reached, with what key and limits."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baton_adapter import values

_MODEL_KEYS = {"model", "temperature", "max_tokens", "timeout"} | {
    f"{name}{how}" for name in ("base_url", "api_key") for how in ("", "_env", "_file", "_command")
}


@dataclass(frozen=True)
class ModelConfig:
    """What a model alias stands for. `base_url` empty: the provider's own address."""

    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    temperature: float | None = None
    max_tokens: int | None = None
    timeout_s: float = 120.0


def read_models(
    value: Any, environ: Mapping[str, str], problems: list[str]
) -> dict[str, ModelConfig]:
    """The aliases of the section `models`; adds what is wrong to `problems`."""
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
    given: dict[str, Any] = {}
    for key, attribute, read in (
        ("model", "model", values.text),
        ("temperature", "temperature", values.temperature),
        ("max_tokens", "max_tokens", values.positive),
        ("timeout", "timeout_s", values.duration),
    ):
        if key in body:
            try:
                given[attribute] = read(body[key])
            except ValueError as error:
                problems.append(f"{where}.{key}: {error}")
    if "model" not in body:
        problems.append(f"{where}.model: missing; the provider's name of the model")
    known = len(problems)
    base_url = _from_anywhere(where, "base_url", body, environ, problems)
    api_key = _from_anywhere(where, "api_key", body, environ, problems)
    if not base_url and not api_key and len(problems) == known:
        problems.append(f"{where}: neither a base URL nor an API key is set")
    return ModelConfig(**{"model": "", **given}, base_url=base_url, api_key=api_key)


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
