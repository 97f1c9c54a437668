"""TLS of an adapter, with certificates from openssl; grpcio is the orchestrator."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from baton_adapter import tls
from baton_adapter._generated.baton.v1 import adapter_pb2, adapter_pb2_grpc
from baton_adapter.config import ConfigError, load_config
from baton_adapter.testing.processes import Program, running
from baton_adapter.testing.registry import Registry

ROOT = Path(__file__).parents[3]
ADAPTER = Path(__file__).parent / "scripted_adapter.py"


def make(folder: Path, *arguments: str) -> None:
    subprocess.run([ROOT / "Tests/certificates.sh", folder, *arguments], check=True)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make(folder, "set")
    return folder


@pytest.fixture
def files(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "certificates"))


@pytest.fixture
def secure_registry(files: Path) -> Iterator[Registry]:
    """An orchestrator with TLS that asks for its adapters' certificates."""
    server = Registry(
        credentials=grpc.ssl_server_credentials(
            [((files / "server.key").read_bytes(), (files / "server.pem").read_bytes())],
            (files / "ca.pem").read_bytes(),
            require_client_auth=True,
        )
    )
    server.start()
    yield server
    server.stop()


def command(folder: Path, *flags: str) -> list[str]:
    return [sys.executable, str(ADAPTER), f"--data={folder / 'data'}", *flags]


def tls_flags(files: Path) -> list[str]:
    return [
        f"--tls-certificate={files / 'server.pem'}",
        f"--tls-key={files / 'server.key'}",
        f"--tls-ca={files / 'ca.pem'}",
        f"--tls-client-ca={files / 'ca.pem'}",
    ]


def call(program: Program, files: Path, name: str | None = "client", ca: str = "ca") -> str:
    """The framework that the adapter says it has, over a connection of its own."""
    key, certificate = (
        (files / f"{name}{end}").read_bytes() if name else None for end in (".key", ".pem")
    )
    credentials = grpc.ssl_channel_credentials((files / f"{ca}.pem").read_bytes(), key, certificate)
    # Channels to one address share a connection unless they are told not to.
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(program.ready["grpc"], credentials, options) as channel:
        stub = adapter_pb2_grpc.ExecutionAdapterStub(channel)
        info = stub.GetAdapterInfo(adapter_pb2.GetAdapterInfoRequest(), timeout=20)
        return str(info.framework)


def refusal(program: Program, files: Path, name: str | None, ca: str = "ca") -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call(program, files, name, ca)
    code: grpc.StatusCode = caught.value.code()
    return code


def test_both_directions(files: Path, tmp_path: Path, secure_registry: Registry) -> None:
    flags = [f"--orchestrator=https://{secure_registry.address}", *tls_flags(files)]
    with running(command(tmp_path, *flags), folder=tmp_path) as program:
        secure_registry.wait_for(lambda: secure_registry.registrations)
        registration = secure_registry.registrations[0]
        assert registration.address == f"https://{program.ready['grpc']}"
        assert call(program, files) == registration.framework
        for stranger in (None, "stranger", "expired"):
            assert refusal(program, files, stranger) is grpc.StatusCode.UNAVAILABLE
        with grpc.insecure_channel(program.ready["grpc"]) as channel:
            stub = adapter_pb2_grpc.ExecutionAdapterStub(channel)
            with pytest.raises(grpc.RpcError):
                stub.GetAdapterInfo(adapter_pb2.GetAdapterInfoRequest(), timeout=20)
        assert program.terminate() == 0


def test_new_certificates_while_it_runs(
    files: Path, tmp_path: Path, secure_registry: Registry
) -> None:
    flags = [f"--orchestrator=https://{secure_registry.address}", *tls_flags(files)]
    with running(command(tmp_path, *flags), folder=tmp_path) as program:
        assert call(program, files)
        make(files, "issue", "other-ca", "server", "IP:127.0.0.1")
        assert call(program, files, ca="other-ca")
        assert refusal(program, files, "client", "ca") is grpc.StatusCode.UNAVAILABLE
        (files / "server.key").write_text("broken", encoding="utf-8")
        assert call(program, files, ca="other-ca")
        assert program.terminate() == 0
        assert "changed certificates cannot be used" in program.stderr


def test_an_orchestrator_of_another_name_is_not_called(
    files: Path, tmp_path: Path, secure_registry: Registry
) -> None:
    flags = [
        f"--orchestrator=https://{secure_registry.address}",
        *tls_flags(files),
        "--tls-server-name=elsewhere.test",
    ]
    with running(command(tmp_path, *flags), folder=tmp_path) as program:
        assert call(program, files)
        program.wait_for_log("not registered yet")
        assert program.terminate() == 0
    assert not secure_registry.registrations


@pytest.mark.parametrize("https", [False, True])
def test_an_orchestrator_that_speaks_otherwise(files: Path, tmp_path: Path, https: bool) -> None:
    """Cleartext meets TLS, and the other way round."""
    key, certificate = ((files / name).read_bytes() for name in ("server.key", "server.pem"))
    registry = Registry(
        credentials=None if https else grpc.ssl_server_credentials([(key, certificate)])
    )
    registry.start()
    address = ("https://" if https else "") + registry.address
    flags = [f"--orchestrator={address}", f"--tls-ca={files / 'ca.pem'}"]
    with running(command(tmp_path, *flags), folder=tmp_path) as program:
        words = (
            f"the orchestrator does not speak TLS; write `orchestrator: {registry.address}`"
            if https
            else f"if it serves with TLS, write `orchestrator: https://{registry.address}`"
        )
        program.wait_for_log(words)
        assert program.terminate() == 0
    registry.stop()
    assert not registry.registrations


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--listen=0.0.0.0:0", "--advertise=a:1"], "listen: other machines can reach 0.0.0.0:0"),
        (["--orchestrator=baton:7420"], "orchestrator: baton:7420 is on another machine; write ht"),
        (["--tls-certificate=server.pem"], "tls.key: missing"),
        (["--tls-key=server.key"], "tls.certificate: missing"),
        (["--tls-client-ca=ca.pem"], "tls.certificate: missing; without it clients"),
        (["--tls-ca=none.pem"], "tls.ca: none.pem: cannot be read: No such file"),
        (["--tls-ca=server.key"], "tls.ca: server.key: there is no readable PEM in it"),
        (
            ["--tls-certificate=server.pem", "--tls-key=encrypted.key"],
            "tls.key: encrypted.key: the key is encrypted",
        ),
        (
            ["--tls-certificate=server.pem", "--tls-key=client.key"],
            "tls.key: client.key: the key does not belong to the certificate of server.pem",
        ),
        (
            ["--tls-certificate=server.pem", "--tls-key=ca.pem"],
            "tls.certificate: server.pem, ca.pem: there is no readable PEM in it",
        ),
    ],
)
def test_what_is_refused(
    files: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], problem: str
) -> None:
    monkeypatch.chdir(files)
    with pytest.raises(ConfigError) as caught:
        tls.check(load_config("x", flags, {}))
    assert caught.value.problems[0].startswith(problem)


def test_cleartext_beyond_this_machine_needs_a_word(tmp_path: Path) -> None:
    flags = ["--listen=0.0.0.0:0", "--advertise=a:1", "--orchestrator=baton:7420"]
    tls.check(load_config("x", [*flags, "--insecure=true"], {}))
    tls.check(load_config("x", ["--listen=unix:/run/a.sock", "--orchestrator=localhost:1"], {}))
    ended = subprocess.run(
        command(tmp_path, *flags), check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert ended.returncode == 64
    assert "`insecure: true`" in ended.stderr
