"""The world of one program: a store, an OMS, their connection, the ledger and the time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest

from domain.connections import Installation
from orchestration import definitions
from orchestration.local.simulated import Pair
from resources.http.async_client import AsyncApiClient
from resources.http.client import ApiClient
from resources.http.oauth import OAuthTokens
from resources.http.retries import RetryPolicy
from resources.ledger.ledger import Ledger
from resources.ledger.monitoring.activation import resume
from resources.ledger.session import Session
from resources.lockstep import Lockstep
from resources.oms.anchanto.login import LoginTokens
from sandbox.system import Request
from tests.assets import documents
from tests.model import clock as clocks
from tests.model.clock import Clock
from tests.model.ledger import Connection as LedgerConnection
from tests.model.ledger import CrashedError, Database, KeptLedger
from tests.model.systems import KINDS, PAIR, section_of
from tests.model.wire import HOST, RuleOf, Transport, Wire, WireSession

Json = dict[str, Any]
NAME, STORE = "acme", "model"
SECOND = "beta"
"""A connection of the store's second channel, for programs that have two."""
PREFIXES = {NAME: "A-", SECOND: "B-"}
OWN, OTHER = 0, 1
"""The store's two channels: the first one is the connection's own if there are two."""
START = datetime(2026, 3, 27, 21, 0, tzinfo=UTC)
"""Programs start here: midnight is near, and the hour that daylight saving takes away in Europe."""
FACTORS: Mapping[str, Mapping[str, int]] = {NAME: {"tent": 2}, SECOND: {"TENT": 5, "MUG": 4}}
"""Connection -> SKU in some spelling -> units of the OMS in one of the store's."""
STREAMS = ("orders", "shipments", "inventory")
MORE = ("customers", "actions", "returns", "prices", "catalog", "listings")
"""Streams that run where a program's operations have switched them on."""
ALL = (*MORE, *STREAMS)
OF_EACH = ("orders", "shipments", "customers", "actions", "returns")
"""What each of two connections has; one of them writes the store's stock, prices and products."""
AT_STORE, AT_OMS = "store", "oms"
"""The two systems of a program, whatever their kinds."""


class _Process(Lockstep):
    """A process of Lockstep: what it keeps in memory is gone with it, the ledger is not."""

    def __init__(self, installation: Installation, kept: KeptLedger) -> None:
        super().__init__(installation, lambda: kept.url)
        self._kept = kept

    @property
    def ledger(self) -> Ledger:
        """Return the ledger, whose connections are kept for all programs."""
        return self._kept


class World:
    """What programs of one process share, and the state of the current one."""

    def __init__(self, server: str, secrets: Path, patch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.database = Database(server, f"model_{uuid4().hex[:12]}")
        self.ledger = KeptLedger(self.database.url)
        self._secrets = secrets
        self.wire = Wire(self.clock)
        self.pair = PAIR
        self.skew = {AT_STORE: timedelta(0), AT_OMS: timedelta(0)}
        self.clock.listeners = [self._shift]
        self.sections: Json = {}
        self.names: tuple[str, ...] = (NAME,)
        self.lockstep: Lockstep | None = None
        self.is_dead = False
        self._make_systems()
        self._patch(patch)

    def _make_systems(self) -> None:
        self.store, self.tenant = (KINDS[kind].make(STORE) for kind in self.pair)

    def _patch(self, patch: pytest.MonkeyPatch) -> None:
        def wire() -> Wire:
            return self.wire

        _construct_with(patch, ApiClient, transport=Transport(wire))
        _construct_with(patch, OAuthTokens, transport=Transport(wire))
        _construct_with(patch, LoginTokens, transport=Transport(wire))
        _construct_with(patch, AsyncApiClient, opens=partial(WireSession, wire))
        patch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.5 * failures)
        assert definitions, "all modules must be loaded before their time is replaced"
        clocks.install(self.clock, patch)

    def begin(self, pair: Pair = PAIR) -> None:
        """Start the next program in an empty world of two systems."""
        self.pair = pair
        random.seed(0)  # the jitter of waits
        self.database.clear()
        self.names = (NAME,)
        self.wire = Wire(self.clock)
        self.is_dead = self.ledger.is_dead = False  # the program before may have ended by a death
        self.skew = dict.fromkeys(self.skew, timedelta(0))
        LedgerConnection.at = staticmethod(lambda _: None)
        self._make_systems()
        self.wire.put(self.store)
        self.wire.put(self.tenant)
        self.clock.set(START)
        self.sections = {
            "orders": {
                "uom": "EA",
                "shipping_methods": {"Ground": "Ground"},
                "payment_methods": {"Credit Card": "Credit Card"},
            },
            "inventory": {"catalog_ttl": "PT0S"},
        }
        for side, kind in zip((self.to_store, self.to_oms), pair, strict=True):
            if KINDS[kind].settings:
                side("settings", KINDS[kind].settings)
        self.to_store("seed/catalog", documents.PRODUCTS)
        self.to_oms("locations", [{"LocationId": documents.DEPOT, "LocationTypeId": "DC"}])
        self.to_oms("items", documents.ITEMS)
        self.to_oms("supply", documents.supply(100))
        self.restart()

    def restart(self, **sections: Any) -> None:
        """Start a new process of Lockstep, with changed sections of the configuration."""
        if self.lockstep is not None:
            self.lockstep.close()
        for name, section in sections.items():
            is_merged = isinstance(section, dict)
            self.sections[name] = self.sections.get(name, {}) | section if is_merged else section
        self.installation = self._configured()
        self.lockstep = _Process(self.installation, self.ledger)
        with self.ledger.session(NAME, "") as session:
            for name, connection in self.installation.connections.items():
                resume(session.db, name, connection.streams, "model")
            if not sections and not self.database.rows("SELECT 1 FROM sync.watermark"):
                self._start_watermarks(session.db)

    def _configured(self) -> Installation:
        found: Json = {}
        for name in self.names:
            sections = dict(self.sections)
            rules = {sku: {"uom": "EA", "factor": n} for sku, n in FACTORS[name].items()}
            sections["orders"] = sections["orders"] | {"uom_rules": rules}
            if len(self.names) > 1:
                channel = self.channel_setting(self.names.index(name))
                sections["platform"] = sections.get("platform", {}) | channel
                sections["orders"] = sections["orders"] | {"order_id_prefix": PREFIXES[name]}
            if name == SECOND:
                streams = sections.get("streams", STREAMS)
                sections["streams"] = [one for one in streams if one in OF_EACH]
                sections["catalog"] = sections.get("catalog", {}) | {"list_from_oms": False}
            for place, kind in zip(("platform", "oms"), self.pair, strict=True):
                base = section_of(kind, HOST, STORE, self._secrets)
                sections[place] = base | sections.get(place, {})
            found[name] = sections
        start = (START - timedelta(days=10)).date()
        return Installation.model_validate({"start_date": start, "connections": found})

    def channel_setting(self, channel: int | None) -> Json:
        """Return the setting that narrows a connection to a channel of the store, or to none."""
        known = KINDS[self.pair.store].channels
        assert known is not None
        return {known.setting: None if channel is None else known.names[channel]}

    def channel_name(self, channel: int) -> Any:
        """Return the store's name of a channel."""
        return self.channel_setting(channel).popitem()[1]

    def with_names(self, **names: str) -> Json:
        """Return a change of the OMS's section that adds names of attributes to those it has."""
        return {"names": self.sections.get("oms", {}).get("names", {}) | names}

    def add_connection(self) -> None:
        """Start again with two connections of one store's channels to one OMS organisation."""
        self.names = (NAME, SECOND)
        self.database.clear()
        self.restart()

    def connection_of(self, number: int) -> str:
        """Return the connection to which an order belongs: every second one, if there are two."""
        return self.names[number % len(self.names)]

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Return the prefixes that the connections' ids have at the OMS."""
        return tuple(PREFIXES[name] for name in self.names) if len(self.names) > 1 else ("",)

    def factor(self, sku: str, number: int = 0) -> int:
        """Return how many of the OMS's units one of an order's units of a SKU is.

        By default one of the connection that writes the store's stock and prices.
        """
        name = self.connection_of(number) if number else NAME
        return {key.upper(): n for key, n in FACTORS[name].items()}.get(sku, 1)

    def oms_id(self, number: int) -> str:
        """Return an order's id at the OMS."""
        return f"{self.prefixes[number % len(self.names)]}{number}"

    def start_at(self, moment: datetime, zone: str) -> None:
        """Start again at a moment, with an OMS whose stamps are local times of a zone."""
        self.clock.set(moment)
        self.to_oms("settings", {"time_zone": zone})
        self.restart(oms={"naive_time_zone": zone})
        self.database.admin.execute("UPDATE sync.watermark SET watermark = %s", (moment,))

    def _start_watermarks(self, db: psycopg.Connection[Any]) -> None:
        """Let the streams have been active for a while: a new one starts with the current day."""
        for name in self.names:
            for stream in STREAMS[:2]:
                Session(db, name, stream, "").start_watermark(START)

    def die(self) -> None:
        """End the process here: its sessions end, and nothing of it runs any further."""
        self.is_dead = self.wire.is_dead = self.ledger.is_dead = True
        self.database.end_sessions()
        raise CrashedError

    def revive(self) -> None:
        """Start a process instead of the dead one."""
        self.is_dead = self.wire.is_dead = self.ledger.is_dead = False
        LedgerConnection.at = staticmethod(lambda _: None)
        self.wire.before = self.wire.after = self.wire.between = lambda _: None
        self.restart()

    def end(self) -> None:
        """Give everything back."""
        if self.lockstep is not None:
            self.lockstep.close()
        self.ledger.end()
        self.database.drop()

    def _shift(self, shift: timedelta) -> None:
        self.database.shift(shift)
        store, tenant = shift + self.skew[AT_STORE], self.skew[AT_OMS]
        self.to_store("settings", {"clock_offset_s": store.total_seconds()})
        moment = (self.clock.now() + tenant).replace(tzinfo=None)
        self.to_oms("clock", {"now": moment.isoformat(timespec="milliseconds")})

    def pass_time(self, by: timedelta) -> None:
        """Let time pass, and requests take effect that were on their way."""
        self.clock.advance(by)
        self.wire.take_effect()

    # -- control of the simulated systems

    def to_store(self, path: str, body: Any, method: str = "POST") -> Any:
        """Make a control call of the store."""
        return self._control(self.store, method, path, body)

    def to_oms(self, path: str, body: Any, method: str = "POST") -> Any:
        """Make a control call of the tenant."""
        return self._control(self.tenant, method, path, body)

    def _control(self, system: Any, method: str, path: str, body: Any) -> Any:
        content = b"" if body is None else orjson.dumps(body)
        answer = system.control(Request(method, f"/{path}", {}, {}, content))
        if answer.status >= 400:
            raise ControlError(answer.body.decode())
        kind = answer.headers.get("Content-Type", "")
        if "ndjson" in kind:
            return [orjson.loads(line) for line in answer.body.splitlines() if line.strip()]
        return orjson.loads(answer.body) if answer.body else None

    def ask_store(self, path: str) -> Any:
        """Return what the store itself shows."""
        return self.to_store(path, None, "GET")

    def ask_oms(self, path: str) -> Any:
        """Return what the tenant itself shows."""
        return self.to_oms(path, None, "GET")

    def kind_of(self, system: str) -> str:
        """Return the kind of one of the two systems."""
        return self.pair.store if system == AT_STORE else self.pair.oms

    def fault(self, system: str, **rule: Any) -> None:
        """Inject a fault between Lockstep and a system."""
        self.wire.faults[self.kind_of(system), STORE].rules.append(RuleOf(**rule))

    def end_faults(self, system: str) -> None:
        """Remove the faults of a system."""
        self.wire.faults[self.kind_of(system), STORE].rules.clear()

    def without_faults(self) -> None:
        """Remove all faults; requests that are on their way still arrive."""
        for faults in self.wire.faults.values():
            faults.rules.clear()
        self.wire.before = self.wire.after = lambda _: None
        LedgerConnection.at = staticmethod(lambda _: None)


def _construct_with(patch: pytest.MonkeyPatch, kind: type, **fixed: Any) -> None:
    """Give every new instance of a class these arguments, whatever its caller gives."""
    original: Any = kind.__init__  # type: ignore[misc]

    def construct(instance: Any, *given: Any, **named: Any) -> None:
        original(instance, *given, **(named | fixed))

    patch.setattr(kind, "__init__", construct)


def number_of(oms_id: str) -> str:
    """Return an order's number: its id at the OMS without the prefix of its connection."""
    return oms_id.rpartition("-")[2]


def store_id(stream: str, source_id: str) -> str:
    """Return the store's id of a record: the OMS's id of an order without its prefix."""
    return number_of(source_id) if stream == "shipments" else source_id


class ControlError(Exception):
    """A simulated system refused what a program did to it."""


@contextmanager
def opened(server: str, secrets: Path) -> Iterator[World]:
    """Open a world for the programs of this process."""
    with pytest.MonkeyPatch.context() as patch:
        world = World(server, secrets, patch)
        try:
            yield world
        finally:
            world.end()
