"""Model aliases of the configuration, as chat models."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from baton_adapter.config import ModelConfig
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

_CONNECT_TIMEOUT_S = 30.0
_PROVIDER = "openai/"


class Models:
    """One client for each alias, made when it is first asked for."""

    def __init__(self, aliases: Mapping[str, ModelConfig]) -> None:
        self._aliases = aliases
        self._made: dict[str, ChatOpenAI] = {}

    def get(self, alias: str) -> ChatOpenAI:
        """The model of a known alias."""
        if alias not in self._made:
            self._made[alias] = _make(self._aliases[alias])
        return self._made[alias]

    async def close(self) -> None:
        """Closes their connections, in the event loop that used them."""
        for model in self._made.values():
            await model.root_async_client.close()
            model.root_client.close()
        self._made.clear()


def _make(config: ModelConfig) -> ChatOpenAI:
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
