"""grpcio's client of the interop tests.

usage: python -m interop.client --server_port N --test_case NAME[,NAME...]

Prints one line for each case; exit code 0 if all passed.
"""

import argparse
import sys
import time
from collections.abc import Callable

import grpc

from interop.arguments import Failed, add_tls, expect, run_cases
from interop.cases import Cases


def _connect(options: argparse.Namespace) -> grpc.Channel:
    address = f"{options.server_host}:{options.server_port}"
    # Channels of one process share connections otherwise, and channel_soak would reuse one.
    settings: list[tuple[str, str | int]] = [("grpc.use_local_subchannel_pool", 1)]
    if not options.use_tls:
        return grpc.insecure_channel(address, settings)
    if options.server_host_override:
        settings.append(("grpc.ssl_target_name_override", options.server_host_override))
    roots = options.ca_file.read_bytes()
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(roots), settings)


def _timed_call(channel: grpc.Channel, latency_seconds_max: float) -> None:
    start = time.monotonic()
    Cases(channel).large_unary()
    latency = time.monotonic() - start
    expect(latency <= latency_seconds_max, f"a call took {latency:.3f} s")


def _soak(options: argparse.Namespace, call: Callable[[float], None]) -> None:
    """Repeats a call; tolerates as many failures as the options say."""
    deadline = time.monotonic() + options.soak_overall_timeout_seconds
    latency_max = options.soak_per_iteration_max_acceptable_latency_ms / 1000
    failures: list[str] = []
    for iteration in range(options.soak_iterations):
        expect(time.monotonic() < deadline, f"only {iteration} calls within the time")
        try:
            call(latency_max)
        except (grpc.RpcError, Failed) as error:
            failures.append(str(error))
    expect(len(failures) <= options.soak_max_failures, f"{len(failures)} failures: {failures[:3]}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--server_host", default="127.0.0.1")
    parser.add_argument("--server_host_override", default="")
    parser.add_argument("--server_port", type=int, required=True)
    parser.add_argument("--test_case", required=True)
    parser.add_argument("--soak_iterations", type=int, default=10)
    parser.add_argument("--soak_max_failures", type=int, default=0)
    parser.add_argument("--soak_per_iteration_max_acceptable_latency_ms", type=int, default=1000)
    parser.add_argument("--soak_overall_timeout_seconds", type=int, default=10)
    add_tls(parser, "ca_file")
    return parser.parse_args()


def main() -> int:
    options = _arguments()
    with _connect(options) as channel:

        def rpc_soak() -> None:
            _soak(options, lambda latency_max: _timed_call(channel, latency_max))

        def channel_soak() -> None:
            def call(latency_max: float) -> None:
                with _connect(options) as own:
                    _timed_call(own, latency_max)

            _soak(options, call)

        cases = Cases(channel).all() | {"rpc_soak": rpc_soak, "channel_soak": channel_soak}
        return run_cases(options.test_case.split(","), cases)


if __name__ == "__main__":
    sys.exit(main())
