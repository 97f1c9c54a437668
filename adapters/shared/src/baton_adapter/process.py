"""One adapter process, from its configuration to its exit code."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Coroutine, Sequence
from importlib.metadata import version
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from baton_adapter import messages, tls, tokens
from baton_adapter._generated.baton.v1 import adapter_pb2, adapter_pb2_grpc, registry_pb2
from baton_adapter.config import Config, ConfigError, load_config
from baton_adapter.host import RunHost
from baton_adapter.http import HTTPEndpoint, Metrics
from baton_adapter.logs import configure_logs
from baton_adapter.orchestrator import ResultDelivery, Session
from baton_adapter.progress import ProgressHub
from baton_adapter.reflection import enable_reflection
from baton_adapter.runs import RunRef, RunTable
from baton_adapter.runtime import Runtime
from baton_adapter.servicer import ExecutionAdapterServicer
from baton_adapter.store import RunStore, StoreError

EXIT_OK = 0
EXIT_BAD_CONFIGURATION = 64
EXIT_FAULT = 70
EXIT_STORE_UNUSABLE = 74
# For runs that were cancelled, and for the last results.
_END_S = 5.0

_log = logging.getLogger("baton.adapter")
_SERVICE = adapter_pb2.DESCRIPTOR.services_by_name["ExecutionAdapter"].full_name

RuntimeFactory = Callable[[Config], Runtime]


def run_adapter(
    runtime_factory: RuntimeFactory, adapter_name: str, argv: Sequence[str] | None = None
) -> int:
    """See `baton_adapter.main`."""
    # A process inherits the mask of the thread that started it, and many programs start others from
    # threads that block every signal.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        config = load_config(adapter_name, sys.argv[1:] if argv is None else argv)
        tls.check(config)
        tokens.check(config)
        configure_logs(config.log_format, config.log_level)
        runtime = runtime_factory(config)
    except ConfigError as error:
        return _bad_configuration(adapter_name, error)
    try:
        store = RunStore(config.data)
    except StoreError as error:
        _log.error("the data folder cannot be used", extra={"error": str(error)})
        return EXIT_STORE_UNUSABLE
    try:
        return asyncio.run(AdapterProcess(config, runtime, store).run())
    except ConfigError as error:
        return _bad_configuration(adapter_name, error)
    finally:
        store.close()


def _bad_configuration(adapter_name: str, error: ConfigError) -> int:
    for problem in error.problems:
        print(f"baton-{adapter_name}: {problem}", file=sys.stderr)  # noqa: T201 - for people
    return EXIT_BAD_CONFIGURATION


class AdapterProcess:
    """The parts of a running adapter, put together."""

    def __init__(self, config: Config, runtime: Runtime, store: RunStore) -> None:
        self._config = config
        self._runtime = runtime
        self._store = store
        self._metrics = Metrics()
        self._stopping = asyncio.Event()
        # Somebody waits: nothing may finish first.
        self._hurried = asyncio.Event()
        self._exit_code = EXIT_OK
        self._address = ""
        self._left_behind = False

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._on_signal, signal.SIGTERM)
        loop.add_signal_handler(signal.SIGINT, self._on_signal, signal.SIGINT)
        # P11: survivors of a predecessor are gone before this process says that it is there.
        await self._runtime.start()
        try:
            await self._serve(loop)
        finally:
            await self._runtime.close()
        if self._left_behind:
            # Leaving the event loop would wait for their threads.
            self._store.close()
            os._exit(self._exit_code)
        return self._exit_code

    def _on_signal(self, number: signal.Signals) -> None:
        """SIGINT, or a second signal, is a person who does not want to wait."""
        if number is signal.SIGINT or self._stopping.is_set():
            self._hurried.set()
        self._stopping.set()

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        config = self._config
        table = RunTable(
            epoch=self._store.epoch,
            max_running=config.max_concurrency,
            tombstone_s=config.tombstone_s,
        )
        table.load(self._store.load(), loop.time())
        async with tls.open_channel(config) as channel:
            progress = ProgressHub(
                lambda items: session.send_progress(items),
                lambda ref: run.token if (run := table.find(ref)) else None,
            )
            host = RunHost(
                runtime=self._runtime,
                table=table,
                store=self._store,
                progress=progress,
                observer=self._metrics,
                on_result=lambda ref: self._on_result(results, ref),
                on_fatal=self._on_fatal,
            )
            results = ResultDelivery(channel, table)
            session = Session(
                channel,
                host,
                lambda: self._introduction(host),
                results,
                lambda details: tls.advice(config.orchestrator, details),
            )
            self._metrics.watch(lambda: float(host.in_flight), lambda: session.registered)
            try:
                http = HTTPEndpoint(config.http, self._metrics, lambda: session.registered)
            except OSError as error:
                raise ConfigError([f"http: {config.http} cannot be used: {error}"]) from error
            server, healthy = await self._start_server(host)
            tasks = [loop.create_task(part) for part in (http.run(), session.run(), progress.run())]
            for task in tasks:
                task.add_done_callback(self._check)
            self._announce(http.address)
            for ref in host.unacknowledged():
                self._on_result(results, ref)
            await self._stopping.wait()
            await healthy.enter_graceful_shutdown()
            await self._drain(host, session, results)
            http.stop()
            await server.stop(grace=1.0)
            for task in tasks[1:]:
                task.cancel()
            await asyncio.wait(tasks)
            await host.save()

    async def _start_server(self, host: RunHost) -> tuple[grpc.aio.Server, Any]:
        # The orchestrator asks for a sign of life every 30 s; grpcio's own limit is five minutes.
        ping_interval = ("grpc.http2.min_ping_interval_without_data_ms", 10_000)
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ping_interval])
        servicer = ExecutionAdapterServicer(self._config, self._runtime, host)
        adapter_pb2_grpc.add_ExecutionAdapterServicer_to_server(servicer, server)
        healthy: Any = health.aio.HealthServicer()  # type: ignore[attr-defined]  # stubs lack it
        health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
        for name in ("", _SERVICE):
            await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
        enable_reflection(server, (_SERVICE, health.SERVICE_NAME))
        listen = self._config.listen
        try:
            port = tls.add_port(server, self._config)
        except RuntimeError as error:
            raise ConfigError([f"listen: {listen} cannot be used: {error}"]) from error
        unix = listen.startswith("unix:")
        self._address = listen if unix else f"{listen.rpartition(':')[0]}:{port}"
        await server.start()
        return server, healthy

    async def _drain(self, host: RunHost, session: Session, results: ResultDelivery) -> None:
        """No new work; what runs may finish within the grace period or is handed back."""
        _log.info("stopping", extra={"in_flight": host.in_flight})
        host.drain()
        await session.deregister(hand_back=False)
        if self._exit_code == EXIT_OK and self._config.shutdown_in_flight == "finish":
            await _first_of(self._config.shutdown_grace_s, host.finish_all(), self._hurried.wait())
        host.hand_back_all()
        await _first_of(_END_S, host.finish_all())
        await _first_of(_END_S, results.finish_all(), self._hurried.wait())
        await session.deregister(hand_back=True)
        if host.in_flight:
            self._left_behind = True
            _log.error("runs do not end and are left behind", extra={"in_flight": host.in_flight})

    def _introduction(self, host: RunHost) -> registry_pb2.RegisterAdapterRequest:
        config, runtime = self._config, self._runtime
        poll = config.results == "poll"
        return registry_pb2.RegisterAdapterRequest(
            adapter=config.adapter,
            instance=config.instance,
            address=tls.reachable(config, self._address),
            framework=runtime.framework,
            framework_version=runtime.framework_version,
            task_types=runtime.task_types,
            capabilities=runtime.capabilities,
            max_concurrency=config.max_concurrency,
            protocol_version=messages.PROTOCOL_VERSION,
            result_mode=registry_pb2.RESULT_MODE_POLL
            if poll
            else registry_pb2.RESULT_MODE_CALLBACK,
            runs=host.run_list(),
        )

    def _announce(self, http_address: str) -> None:
        ready = {
            "grpc": self._address,
            "http": http_address,
            "pid": os.getpid(),
            "adapter": self._config.adapter,
            "instance": self._config.instance,
            "version": version("baton-adapter"),
        }
        print("READY " + json.dumps(ready, separators=(",", ":")), flush=True)  # noqa: T201
        _log.info("accepting calls", extra=ready)

    def _on_result(self, results: ResultDelivery, ref: RunRef) -> None:
        if self._config.results == "callback":
            results.deliver(ref)

    def _on_fatal(self, error: Exception) -> None:
        """Memory and disk may differ now: end, and let the next start begin from the disk."""
        _log.critical("the table of runs failed", exc_info=error)
        unusable = isinstance(error, sqlite3.Error)
        self._exit_code = EXIT_STORE_UNUSABLE if unusable else EXIT_FAULT
        self._stopping.set()

    def _check(self, task: asyncio.Task[None]) -> None:
        """An adapter without its session or its endpoint is none: end, and start anew."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.critical("a part of the adapter failed", exc_info=error)
            self._exit_code = EXIT_FAULT
            self._stopping.set()


async def _first_of(timeout_s: float, *work: Coroutine[Any, Any, Any]) -> None:
    """Waits for whatever ends first, at most `timeout_s`; the rest is dropped."""
    tasks = [asyncio.ensure_future(one) for one in work]
    await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
