"""The token that an adapter shows to the orchestrator (RFC 6750, section 2.1)."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any

import grpc.aio

from baton_adapter.config import Config, ConfigError

_log = logging.getLogger("baton.tokens")
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/=]+")
# A token file is read again after this long, so that the token can be replaced.
_AGE_S = 10.0


def check(config: Config) -> None:
    """Raises `ConfigError` with a token that cannot be used."""
    _Source(config)


def interceptors(config: Config) -> list[Any]:
    """What shows the token with every call; nothing where there is none."""
    source = _Source(config)
    return [_Bearer(source.token)] if source.exists else []


class _Source:
    """Where the token comes from."""

    def __init__(self, config: Config) -> None:
        self._path = config.token_file
        self._name = "token_file" if self._path else "BATON_TOKEN"
        self._token = config.token
        self._read_at = time.monotonic()
        if self._path:
            try:
                self._token = self._read()
            except (OSError, ValueError) as error:
                raise ConfigError([f"token_file: {self._path}: {error}"]) from error
        elif self._token and not _TOKEN.fullmatch(self._token):
            raise ConfigError(["BATON_TOKEN: a token is letters, digits and - . _ ~ + / ="])

    @property
    def exists(self) -> bool:
        return bool(self._token)

    def token(self) -> str:
        now = time.monotonic()
        if self._path and now - self._read_at > _AGE_S:
            self._read_at = now
            try:
                self._token = self._read()
            except (OSError, ValueError) as error:
                _log.error("the token file cannot be used", extra={"error": str(error)})
        return self._token

    def _read(self) -> str:
        assert self._path
        lines = self._path.read_text(encoding="utf-8").splitlines()
        tokens = [text for line in lines if (text := line.strip()) and not text.startswith("#")]
        if len(tokens) != 1 or not _TOKEN.fullmatch(tokens[0]):
            raise ValueError("there must be one token: letters, digits and - . _ ~ + / =")
        return tokens[0]


class _Bearer(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    """Adds the token to the metadata of a call."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: Any, request: Any
    ) -> Any:
        metadata = grpc.aio.Metadata(*(client_call_details.metadata or ()))
        metadata.add("authorization", f"Bearer {self._token()}")
        return await continuation(client_call_details._replace(metadata=metadata), request)
