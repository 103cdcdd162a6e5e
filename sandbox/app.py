"""The sandbox server: simulated remote systems over real HTTP, on 127.0.0.1 only.

    /{kind}/{instance}/...             the vendor's API
    /_sandbox/{kind}/{instance}/...    control: place orders, move stock, count effects;
                                       ``faults`` (sandbox/faults.py)
    GET /_sandbox/health, POST /_sandbox/snapshot

Instances are created on first use. The server is aiohttp's low-level one, without a router: prefix
routing is all it needs, and in load tests, which measure the client, it must not be the bottleneck.
"""

from __future__ import annotations

import asyncio
import importlib
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, unquote

import orjson
import zstandard
from aiohttp import web

from sandbox.faults import Faults, Rule, corrupt, refusal
from sandbox.system import Request, Response, System

HOST = "127.0.0.1"
SYSTEMS = {
    "anchanto": "sandbox.oms.anchanto:AnchantoAccount",
    "bigcommerce": "sandbox.platforms.bigcommerce.store:BigCommerceStore",
    "commercetools": "sandbox.platforms.commercetools.project:Project",
    "extensiv": "sandbox.oms.extensiv:ExtensivAccount",
    "manhattan": "sandbox.oms.manhattan:ManhattanTenant",
    "salesforce": "sandbox.platforms.salesforce.org:Org",
    "payments": "sandbox.payments.service:PaymentsService",
}
Settings: TypeAlias = Mapping[str, Mapping[str, object]]
"""Kind of system -> the settings that its new instances have instead of their defaults."""
LIMITED: Settings = {"manhattan": {"requests_per_second": 10}}
"""Request limits of small plans: a store has its own by default, a tenant that of our assumption
(oms.md 1.10)."""
UNLIMITED: Settings = {
    "anchanto": {"requests_per_second": 0},
    "bigcommerce": {"quota": 100_000},
    "extensiv": {"bucket": 0},
    "salesforce": {"daily": 10_000_000},
}
"""Without request limits, for tests and benchmarks that are about something else."""
INSTANCE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def build_system(kind: str, instance: str) -> System:
    """Create an instance of a simulated system; its module is imported on first use."""
    module, _, name = SYSTEMS[kind].partition(":")
    system: System = getattr(importlib.import_module(module), name)(instance)
    return system


class SandboxServer:
    """All instances behind one port."""

    def __init__(self, state: Path | None = None, settings: Settings | None = None) -> None:
        self.state, self.settings = state, settings or {}
        self.systems: dict[tuple[str, str], System] = {}
        self.faults: dict[tuple[str, str], Faults] = {}
        self._runner: web.ServerRunner | None = None
        self.url = ""

    async def start(self, port: int = 0) -> str:
        """Restore the state, listen and return the base URL; port 0 picks a free one."""
        self.restore()
        self._runner = web.ServerRunner(
            web.Server(self._answer, access_log=None), shutdown_timeout=1.0
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port, backlog=1024)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.url = f"http://{HOST}:{bound}"
        return self.url

    async def stop(self) -> None:
        """Stop listening, then write the state."""
        if self._runner is not None:
            await self._runner.cleanup()
        for system in self.systems.values():
            await system.close()
        self.snapshot()

    def restore(self) -> None:
        """Restore every instance that has a snapshot."""
        for file in sorted(self.state.glob("*.zst")) if self.state else ():
            kind, _, instance = file.stem.partition(".")
            if kind in SYSTEMS:
                self._system((kind, instance)).restore(zstandard.decompress(file.read_bytes()))

    def snapshot(self) -> list[str]:
        """Write one file per instance, each replaced atomically, and return the names.

        Does nothing without a state folder.
        """
        if self.state is None:
            return []
        self.state.mkdir(parents=True, exist_ok=True)
        written = []
        for (kind, instance), system in self.systems.items():
            target = self.state / f"{kind}.{instance}.zst"
            partial = target.with_suffix(".part")
            partial.write_bytes(zstandard.compress(system.snapshot(), 1))
            partial.replace(target)
            written.append(target.name)
        return written

    def _system(self, key: tuple[str, str]) -> System:
        system = self.systems.get(key)
        if system is None:
            system = self.systems[key] = build_system(*key)
            self.faults[key] = Faults()
            if given := self.settings.get(key[0]):
                system.control(Request("POST", "/settings", {}, {}, orjson.dumps(given)))
        return system

    async def _answer(self, raw: web.BaseRequest) -> web.StreamResponse:
        path, _, query = raw.raw_path.partition("?")
        parts = path.split("/", 4)
        body = await raw.content.read() if raw.can_read_body else b""
        if parts[1] == "_sandbox":
            return _to_web(self._control(raw, parts, query, body))
        key = (parts[1], parts[2] if len(parts) > 2 else "")
        if key[0] not in SYSTEMS or not INSTANCE.fullmatch(key[1]):
            return _to_web(
                Response(404, b'{"error": "no such system"}', {"Content-Type": "application/json"})
            )
        system = self._system(key)
        request = _to_request(raw, path[len(key[0]) + len(key[1]) + 2 :], query, body)
        rules = self.faults[key]
        if not rules.rules:
            return _to_web(system.handle(request))
        decision = rules.decide(request)
        if decision.delay_ms:
            await asyncio.sleep(decision.delay_ms / 1000)
        answer = (
            self._faulty(raw, system, request, decision.fault)
            if decision.fault
            else _to_web(system.handle(request))
        )
        if decision.fault is not None and decision.fault.kind == "delay_after":
            await asyncio.sleep(decision.fault.delay_ms / 1000)
        return answer

    def _faulty(
        self, raw: web.BaseRequest, system: System, request: Request, rule: Rule
    ) -> web.StreamResponse:
        if rule.kind == "status":
            return _to_web(refusal(rule))
        if rule.kind == "drop_before":
            return _drop(raw)
        response = system.handle(request)
        if rule.kind == "drop_after":
            return _drop(raw)
        if rule.kind == "replaced":
            return _to_web(refusal(rule))
        return _to_web(response if rule.kind == "delay_after" else corrupt(rule, response))

    def _control(self, raw: web.BaseRequest, parts: list[str], query: str, body: bytes) -> Response:
        name = parts[2] if len(parts) > 2 else ""
        if len(parts) == 3 and name == "health":
            value = {"status": "ok", "instances": sorted("/".join(key) for key in self.systems)}
            return Response(200, orjson.dumps(value), {"Content-Type": "application/json"})
        if len(parts) == 3 and name == "snapshot" and raw.method == "POST":
            return Response(
                200,
                orjson.dumps({"written": self.snapshot()}),
                {"Content-Type": "application/json"},
            )
        if len(parts) < 5 or name not in SYSTEMS or not INSTANCE.fullmatch(parts[3]):
            return Response(
                404, b'{"error": "no such control"}', {"Content-Type": "application/json"}
            )
        key = (name, parts[3])
        system = self._system(key)
        request = _to_request(raw, "/" + parts[4], query, body)
        return (
            self.faults[key].control(request)
            if parts[4].startswith("faults")
            else system.control(request)
        )


def _to_request(raw: web.BaseRequest, path: str, query: str, body: bytes) -> Request:
    headers = {name.lower(): value for name, value in raw.headers.items()}
    params = parse_qs(query, keep_blank_values=True) if query else {}
    return Request(raw.method, unquote(path) if "%" in path else path, params, headers, body)


def _to_web(response: Response) -> web.Response:
    return web.Response(
        body=response.body or None, status=response.status, headers=response.headers
    )


def _drop(raw: web.BaseRequest) -> web.Response:
    if raw.transport is not None:
        raw.transport.abort()
    return web.Response(status=500)


class RunningSandbox:
    """A sandbox in its own thread, for tests and tools; by default without request limits."""

    def __init__(
        self, state: Path | None = None, port: int = 0, settings: Settings = UNLIMITED
    ) -> None:
        self.server = SandboxServer(state, settings)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="sandbox", daemon=True)
        self.thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self.server.start(port), self.loop).result(
            timeout=30
        )

    def close(self) -> None:
        """Stop the server, write its state and end the thread."""
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(timeout=60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=10)
        self.loop.close()


@contextmanager
def running_sandbox(
    state: Path | None = None, settings: Settings = UNLIMITED
) -> Iterator[RunningSandbox]:
    """Run a sandbox on a free port for the duration of the block; ``.url`` is its base."""
    sandbox = RunningSandbox(state, settings=settings)
    try:
        yield sandbox
    finally:
        sandbox.close()
