"""TLS of an adapter: what it serves with, and how it calls the orchestrator.

Files are PEM. The server's are looked at with every new connection, so that they can be replaced
while the adapter runs; grpcio offers no such thing to clients.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
from collections.abc import Sequence
from pathlib import Path

import grpc
import grpc.aio

from baton_adapter import tokens
from baton_adapter.config import Config, ConfigError

_log = logging.getLogger("baton.tls")
_SCHEME = "https://"


def is_local(address: str) -> bool:
    """Whether only this machine can reach host:port or unix:PATH; other names may be anything."""
    host = address.rpartition(":")[0].strip("[]")
    if address.startswith("unix:") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_private(address: str) -> bool:
    """Whether nobody on a network between can read what is sent there."""
    return address.startswith(_SCHEME) or is_local(address)


def check(config: Config) -> None:
    """Raises `ConfigError` with what would send or take cleartext over a network, and with
    certificates that cannot be used."""
    problems: list[str] = []
    if not config.insecure:
        problems += _cleartext(config)
    if (config.token or config.token_file) and not _is_private(config.orchestrator):
        problems.append(
            f"token_file: the token would be sent in cleartext to {config.orchestrator}; write"
            f" {_SCHEME}{config.orchestrator}"
        )
    certificate, key = config.tls_certificate, config.tls_key
    if certificate and not key:
        problems.append("tls.key: missing; tls.certificate is given")
    if key and not certificate:
        problems.append("tls.certificate: missing; tls.key is given")
    if config.tls_client_ca and not certificate:
        problems.append("tls.certificate: missing; without it clients are not asked for theirs")
    for name, path in (("tls.ca", config.tls_ca), ("tls.client_ca", config.tls_client_ca)):
        if path:
            problems += _authorities_problems(name, path)
    if certificate and key:
        problems += _pair_problems(certificate, key)
    if problems:
        raise ConfigError(problems)


def _cleartext(config: Config) -> list[str]:
    problems = []
    listen, orchestrator = config.listen, config.orchestrator
    if not config.tls_certificate and not is_local(listen):
        problems.append(
            f"listen: other machines can reach {listen}, and without TLS they can read and change"
            " everything; set `tls.certificate` and `tls.key`, listen on 127.0.0.1, or set"
            " `insecure: true` where the network is trusted"
        )
    if not _is_private(orchestrator):
        problems.append(
            f"orchestrator: {orchestrator} is on another machine; write"
            f" {_SCHEME}{orchestrator}, or set `insecure: true` where the network is trusted"
        )
    return problems


def _authorities_problems(name: str, path: Path) -> list[str]:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:
        return [f"{name}: {path}: {_words(error)}"]
    return []


def _pair_problems(certificate: Path, key: Path) -> list[str]:
    def refuse() -> str:
        raise ConfigError(
            [f"tls.key: {key}: the key is encrypted; keep it unencrypted in a file that only its"
             " user may read (openssl pkey -in ENCRYPTED -out KEY)"]
        )  # fmt: skip

    for name, path in (("tls.certificate", certificate), ("tls.key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            return [f"{name}: {path}: {_words(error)}"]
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, refuse)
    except ConfigError as error:
        return list(error.problems)
    except OSError as error:
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            return [f"tls.key: {key}: the key does not belong to the certificate of {certificate}"]
        return [f"tls.certificate: {certificate}, {key}: {_words(error)}"]
    return []


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "there is no readable PEM in it"
    return f"cannot be read: {error.strerror}"


def add_port(server: grpc.aio.Server, config: Config) -> int:
    """Lets the server listen as configured; answers the port. A socket file is without TLS."""
    if not config.tls_certificate or config.listen.startswith("unix:"):
        return server.add_insecure_port(config.listen)
    files = _ServerFiles(config)
    credentials = grpc.dynamic_ssl_server_credentials(
        files.read(),
        files.renewed,  # type: ignore[arg-type]  # the stubs do not know of None: no change
        require_client_authentication=bool(config.tls_client_ca),
    )
    return server.add_secure_port(config.listen, credentials)


class _ServerFiles:
    """The files that a server presents, as they are now."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._last = self._contents()

    def read(self) -> grpc.ServerCertificateConfiguration:
        certificate, key, *authorities = self._last
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], authorities[0] if authorities else None
        )

    def renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Called by grpcio with each handshake; none: go on with what there is."""
        try:
            contents = self._contents()
            if contents == self._last:
                return None
            check(self._config)
        except (OSError, ConfigError) as error:
            _log.error("changed certificates cannot be used", extra={"error": str(error)})
            return None
        self._last = contents
        _log.info("the certificates were read again")
        return self.read()

    def _contents(self) -> Sequence[bytes]:
        config = self._config
        paths = (config.tls_certificate, config.tls_key, config.tls_client_ca)
        return [path.read_bytes() for path in paths if path]


def reachable(config: Config, listening: str) -> str:
    """How the orchestrator is told to call an adapter that listens there."""
    address = config.advertise or listening
    if not config.tls_certificate or address.startswith(("unix:", _SCHEME)):
        return address
    return _SCHEME + address


def advice(orchestrator: str, details: str) -> str:
    """What to change where the two sides do not agree on TLS, as far as grpcio's words tell: a
    server without TLS answers with something else, one with TLS closes without a word."""
    address = orchestrator.removeprefix(_SCHEME)
    if not orchestrator.startswith(_SCHEME):
        if "Socket closed" in details or "Connection reset" in details:
            return (
                "the orchestrator closed the connection; if it serves with TLS, write"
                f" `orchestrator: {_SCHEME}{address}`"
            )
    elif "TSI_DATA_CORRUPTED" in details or "CERTIFICATE_REQUIRED" in details:
        # TLS 1.3: the refusal comes after the client's part of the handshake.
        return (
            "the orchestrator refused this adapter's certificate or asks for one; set"
            " `tls.certificate` and `tls.key` to one that its `tls.client_ca` signed"
        )
    elif "WRONG_VERSION_NUMBER" in details:
        return (
            f"the orchestrator does not speak TLS; write `orchestrator: {address}`, or give the"
            " orchestrator `tls.certificate` and `tls.key`"
        )
    return ""


def open_channel(config: Config) -> grpc.aio.Channel:
    """A channel to the orchestrator that reconnects within seconds and uses no proxy."""
    options: list[tuple[str, int | str]] = [
        ("grpc.enable_http_proxy", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
    ]
    interceptors = tokens.interceptors(config)
    if not config.orchestrator.startswith(_SCHEME):
        return grpc.aio.insecure_channel(
            config.orchestrator, options=options, interceptors=interceptors
        )
    if config.tls_server_name:
        options.append(("grpc.ssl_target_name_override", config.tls_server_name))
    certificate, key, ca = (
        path.read_bytes() if path else None
        for path in (config.tls_certificate, config.tls_key, config.tls_ca)
    )
    return grpc.aio.secure_channel(
        config.orchestrator.removeprefix(_SCHEME).rstrip("/"),
        grpc.ssl_channel_credentials(ca, key, certificate),
        options=options,
        interceptors=interceptors,
    )
