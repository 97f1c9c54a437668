"""Model aliases of the configuration, as chat models."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from baton_adapter.config import ModelConfig
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

_CONNECT_TIMEOUT_S = 30.0
_PROVIDER = "openai/"


class Models:
    """One client for each alias, made when it is first asked for."""

    def __init__(self, aliases: Mapping[str, ModelConfig]) -> None:
        self._aliases = aliases
        self._made: dict[str, BaseChatModel] = {}

    def get(self, alias: str) -> BaseChatModel:
        """The model of a known alias."""
        if alias not in self._made:
            self._made[alias] = _make(self._aliases[alias])
        return self._made[alias]


def _make(config: ModelConfig) -> BaseChatModel:
    timeout = httpx.Timeout(config.timeout_s, connect=min(config.timeout_s, _CONNECT_TIMEOUT_S))
    return ChatOpenAI(
        model=config.model.removeprefix(_PROVIDER),
        base_url=config.base_url or None,
        # The client refuses to be built without a key; a server of one's own asks for none.
        api_key=SecretStr(config.api_key or "none"),
        temperature=config.temperature,
        max_completion_tokens=config.max_tokens,
        timeout=timeout,
        # One attempt is one call: the orchestrator decides on the next.
        max_retries=0,
        streaming=True,
        stream_usage=True,
        use_responses_api=False,
    )
