"""The servers that are compared: how each is built, started on a core, watched and ended."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# A scratch folder of its own: `.build` holds a build for tests, in which everything is visible.
SCRATCH = Path(os.environ.get("SCRATCH", ROOT / ".build-bench")).resolve()
SERVER_CORE = "0"
START_SECONDS = 30.0
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")

UNARY_PATH = "/rpc.bench.Echo/Unary"
STREAM_PATH = "/rpc.bench.Echo/Stream"


@dataclass(frozen=True)
class Kind:
    """A server: `name` in tables, how many calls a round of it takes, what it is sent."""

    name: str
    calls: int
    path: str = UNARY_PATH
    is_grpc: bool = True


# As many calls as keep the server busy for about two seconds: CPU time is told in ticks of 10 ms.
KINDS = {
    kind.name: kind
    for kind in (
        Kind("ours", 600_000),
        Kind("nghttpd", 600_000, path="/echo", is_grpc=False),
        Kind("grpc-cpp", 100_000),
        Kind("grpc-swift", 20_000),
    )
}


def build(names: set[str]) -> None:
    """Builds what is needed of our server and the peers; what is up to date is left alone."""
    if "ours" in names:
        swift_build("EchoServer")
    if "grpc-cpp" in names:
        run(["make", "-C", str(HERE / "peers/grpc-cpp"), f"OUT={SCRATCH / 'grpc-cpp'}"])
    if "grpc-swift" in names:
        generate_peer_messages()
        swift_build("GRPCSwiftEcho", with_peers=True)
    if "codec" in names:
        generate_peer_messages()
        swift_build("CodecBench", with_peers=True)


def swift_build(product: str, *, with_peers: bool = False) -> None:
    """A release build as the Dockerfile makes it: nothing made visible for tests."""
    swift(
        ["build", "-c", "release", "--static-swift-stdlib", "--product", product],
        with_peers=with_peers,
    )


def swift(arguments: list[str], *, with_peers: bool) -> None:
    command, *rest = arguments
    environment = dict(os.environ)
    if with_peers:
        environment["RPC_BENCH_PEERS"] = "1"
    folders = ["--package-path", str(HERE), "--scratch-path", str(SCRATCH)]
    run(["swift", command, *folders, *rest], environment)


def generate_peer_messages() -> None:
    """What swift-protobuf makes of the protos, by its plugin of the version that is linked.

    Its SwiftPM plugin would compile protoc as well, for ten minutes; Debian's does the same.
    """
    target = HERE / "Sources/PeerMessages"
    protos = [HERE / "echo.proto", ROOT / "proto/baton/v1/plan.proto"]
    newest = max(proto.stat().st_mtime for proto in protos)
    outputs = [target / "echo.pb.swift", target / "plan.pb.swift"]
    if all(output.exists() and output.stat().st_mtime > newest for output in outputs):
        return
    target.mkdir(exist_ok=True)
    swift(["package", "resolve"], with_peers=True)
    checkout = SCRATCH / "checkouts/swift-protobuf"
    plugins = SCRATCH / "swift-protobuf"
    folders = ["--package-path", str(checkout), "--scratch-path", str(plugins)]
    run(["swift", "build", "-c", "release", *folders, "--product", "protoc-gen-swift"])
    includes = [f"-I{HERE}", f"-I{ROOT / 'proto/baton/v1'}"]
    plugin = f"--plugin=protoc-gen-swift={plugins / 'release/protoc-gen-swift'}"
    options = [plugin, f"--swift_out={target}", "--swift_opt=Visibility=Public"]
    run(["protoc", *includes, *options, *map(str, protos)])


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    print("+", " ".join(command), flush=True)
    subprocess.run(command, check=True, env=environment)


def command_of(kind: Kind, port: int) -> list[str]:
    match kind.name:
        case "ours":
            return [str(SCRATCH / "release/EchoServer"), str(port)]
        case "nghttpd":
            return ["nghttpd", "--no-tls", "-d", str(SCRATCH / "www"), str(port)]
        case "grpc-cpp":
            return [str(SCRATCH / "grpc-cpp/echo_server"), str(port)]
        case _:
            return [str(SCRATCH / "release/GRPCSwiftEcho"), str(port)]


class Server:
    """A running server."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.port = free_port()
        command = ["taskset", "-c", SERVER_CORE, *command_of(kind, self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._wait_until_it_accepts()

    def _wait_until_it_accepts(self) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{self.kind.name} did not start") from None
                time.sleep(0.05)
            else:
                return

    def url(self, path: str | None = None) -> str:
        return f"http://127.0.0.1:{self.port}{path or self.kind.path}"

    def cpu_seconds(self) -> float:
        """User and system time of all threads so far (proc(5), /proc/PID/stat)."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def resident_mb(self) -> float:
        """VmRSS in MiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"{self.kind.name}: /proc tells no VmRSS")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(names: list[str]) -> Iterator[list[Server]]:
    """One server of each kind, all ended at the end."""
    servers: list[Server] = []
    try:
        servers.extend(Server(KINDS[name]) for name in names)
        yield servers
    finally:
        for server in servers:
            server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
