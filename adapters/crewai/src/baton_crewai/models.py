"""Model aliases: what CrewAI builds where a crew names one, or names no model at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crewai import LLM
from crewai.llms import retry

# What a crew may set for itself; where a model is reached and with what key is the alias's alone.
_GENERATION = ("temperature", "top_p", "max_tokens", "seed", "stop")
# Settings that not every provider's client has; one without would send them to the model.
_CLIENT_SETTINGS = ("timeout", "max_retries")

Alias = Mapping[str, Any]


def install(aliases: Mapping[str, Alias]) -> None:
    """Has `LLM(model=ALIAS)` build the model that the alias stands for, in this process.

    CrewAI builds every model through `LLM`, whoever names it: an agent, a manager, a planner, a
    step of a flow. Its `llm_overlay` maps names in the same place, but can map to another name
    only, not to an endpoint with a key.

    No model of this process retries by itself: an attempt is one call, and the orchestrator
    decides on the next. (CrewAI's own loop makes three of a 429 otherwise.)
    """
    build, initialize = LLM.__new__, LLM.__init__

    def new(cls: type[LLM], model: str, is_litellm: bool = False, **given: Any) -> LLM:
        if cls is LLM:
            model, given = _resolve(aliases, model, given)
        return build(cls, model, is_litellm, **given)

    # Python calls this one where `new` came back with an LLM itself, not with a native client.
    def init(self: LLM, model: str, is_litellm: bool = False, **given: Any) -> None:
        if type(self) is LLM:
            model, given = _resolve(aliases, model, given)
        initialize(self, model, is_litellm, **given)

    LLM.__new__ = staticmethod(new)  # type: ignore[method-assign]
    LLM.__init__ = init  # type: ignore[method-assign]
    retry._LLM_RATE_LIMIT_MAX_ATTEMPTS = 1  # type: ignore[misc]


def _resolve(
    aliases: Mapping[str, Alias], model: str, given: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    settings = dict(given)
    alias = aliases.get(model)
    if alias is not None:
        model = alias["model"]
        chosen = {key: given[key] for key in _GENERATION if given.get(key) is not None}
        settings = {**_alias_settings(alias), **chosen}
    settings.setdefault("max_retries", 0)
    client = LLM._resolve_route(model, settings).native_class
    for name in _CLIENT_SETTINGS:
        if client is not None and name not in client.model_fields and name not in given:
            settings.pop(name, None)
    return model, settings


def _alias_settings(alias: Alias) -> dict[str, Any]:
    settings: dict[str, Any] = {"timeout": alias["timeout_s"], "stream": True}
    for name in ("base_url", "api_key", "temperature", "max_tokens"):
        if alias[name] not in (None, ""):
            settings[name] = alias[name]
    if "base_url" in settings and "api_key" not in settings:
        # OpenAI's client refuses to be built without one; a server of one's own asks for none.
        settings["api_key"] = "none"
    return settings
