"""A scene for tests: one connection between sandbox systems, its ledger, an ephemeral Dagster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import orjson
import psycopg

from domain.connections import Installation
from domain.values import Partition, Window
from orchestration.definitions import build
from resources.ledger.monitoring.activation import resume
from resources.lockstep import Lockstep
from tests import loopback
from tests.assets import documents
from tests.assets.dagster_run import ephemeral_instance, run_chains
from tests.assets.direct_run import DirectRun, run_directly

Json = dict[str, Any]
NAME = "acme"
HISTORY = timedelta(days=10)
"""How far before today the partitions of a scene start."""
TIME_OUT, SHORT_TIME_OUT = 20.0, 2.0
"""Seconds for an answer of the systems, which a busy machine delays; tests of time-outs need less.
"""


def installation_of(url: str, store: str, secrets: Path, **sections: Any) -> Installation:
    """Return an installation with the connection ``acme``; ``sections`` are merged into it."""
    base: dict[str, Any] = {
        "platform": {
            "kind": "bigcommerce",
            "store_hash": store,
            "api_base": f"{url}/bigcommerce/{{hash}}",
            "quota": 100_000,
            "timeout": TIME_OUT,
            "token": {"file": str(_secret(secrets, f"token-{store}", f"sandbox-token-{store}"))},
        },
        "oms": {
            "kind": "manhattan",
            "base_url": f"{url}/manhattan/{store}",
            "token_url": f"{url}/manhattan/{store}/oauth/token",
            "client_id": "lockstep",
            "client_secret": {"file": str(_secret(secrets, "client-secret", "sandbox-secret"))},
            "username": "sync",
            "password": {"file": str(_secret(secrets, "password", "sandbox-password"))},
            "organization": "SANDBOX",
            "requests_per_second": 5000,
            "push_concurrency": 4,
            "timeout": TIME_OUT,
        },
        "orders": {
            "uom": "EA",
            "shipping_methods": {"Ground": "Ground"},
            "payment_methods": {"Credit Card": "Credit Card"},
        },
        "inventory": {"catalog_ttl": "PT0S"},
    }
    for name, section in sections.items():
        base[name] = base.get(name, {}) | section if isinstance(section, dict) else section
    start = datetime.now(UTC).date() - HISTORY
    return Installation.model_validate({"start_date": start, "connections": {NAME: base}})


def _secret(folder: Path, name: str, value: str) -> Path:
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(value)
    return file


def partitions_of(first: date | Partition, last: date | Partition) -> list[Partition]:
    """Return the partitions from the first to the last, of their grain."""
    start, end = (
        each if isinstance(each, Partition) else Partition.of_day(each) for each in (first, last)
    )
    window = Window(start.start, end.end)
    return [partition for partition, _ in Partition.split(window, start.grain)]


class Scene:
    """The connection ``acme`` between the sandbox's store and tenant of one name, with a ledger."""

    steps = ("captured", "validated", "delivered")
    oms_kind = "manhattan"

    def __init__(self, url: str, database: str, store: str, secrets: Path) -> None:
        self.url, self.database, self.store, self._secrets = url, database, store, secrets
        self.today = datetime.now(UTC).date()
        self.yesterday = self.today - timedelta(days=1)
        self._instance: dg.DagsterInstance | None = None
        self._kept: tuple[str, psycopg.Connection[Any]] | None = None
        self.http = loopback.client()
        self.lockstep: Lockstep | None = None
        self._definitions: dg.Definitions | None = None
        self.configure()
        self.to_store("catalog", documents.PRODUCTS)
        self.to_oms("locations", [{"LocationId": documents.DEPOT, "LocationTypeId": "DC"}])
        self.to_oms("items", documents.ITEMS)
        self.to_oms("supply", documents.supply())

    def configure(self, **sections: Any) -> None:
        """Use a changed configuration, as after an operator has edited ``connections.yaml``."""
        if self.lockstep is not None:
            self.lockstep.close()
        self.installation = self.installation_with(**sections)
        self.lockstep = Lockstep(self.installation, lambda: self.database)
        resume(self._db(), NAME, self.installation.connections[NAME].streams, "test")
        self.sql_write(
            "UPDATE sync.activation SET changed_at = now() - interval '1 year', started_at = NULL"
        )
        self._definitions = None

    def job(self, name: str = f"sync_{NAME}") -> dg.JobDefinition:
        """Return a job of the current configuration, which is built at its first use."""
        if self._definitions is None:
            assert self.lockstep is not None
            self._definitions = build(self.installation, self.lockstep)
        return self._definitions.resolve_job_def(name)

    @property
    def instance(self) -> dg.DagsterInstance:
        """Return Dagster's instance, which is made at its first use."""
        if self._instance is None:
            self._instance = ephemeral_instance()
        return self._instance

    def wait_briefly(self) -> None:
        """Use time-outs that a test can wait for."""
        self.configure(platform={"timeout": SHORT_TIME_OUT}, oms={"timeout": SHORT_TIME_OUT})

    def installation_with(self, **sections: Any) -> Installation:
        """Return the configuration with changed sections."""
        return installation_of(self.url, self.store, self._secrets, **sections)

    def close(self) -> None:
        """Give everything back."""
        if self.lockstep is not None:
            self.lockstep.close()
        self.http.close()
        self.let_go()
        if self._instance is not None:
            self._instance.dispose()

    def moment(self, day: date | None = None, hour: int = 12) -> datetime:
        """Return a moment of a day, by default yesterday's noon."""
        return datetime.combine(day or self.yesterday, time(hour), UTC)

    def run(
        self,
        *streams: str,
        first: date | Partition | None = None,
        last: date | Partition | None = None,
        steps: Sequence[str] = steps,
        **more: Any,
    ) -> DirectRun:
        """Run whole chains over ``first`` to ``last``, by default from yesterday to the present.

        With ``first`` as yesterday or as a partition, and no ``last``, that alone. Dagster and
        ``instance`` learn nothing of it: see ``run_in_dagster``.
        """
        assert self.lockstep is not None
        first, last = self._range(first, last)
        partitions = partitions_of(first, last)
        return run_directly(self.lockstep, NAME, streams, partitions, chosen=steps, **more)

    def run_in_dagster(
        self,
        *streams: str,
        first: date | Partition | None = None,
        last: date | Partition | None = None,
        **more: Any,
    ) -> dg.ExecuteInProcessResult:
        """Run chains as ``run`` does, through Dagster: for what it makes of a run, and records."""
        first, last = self._range(first, last)
        return run_chains(
            self.job(), self.instance, NAME, streams, first, last, **({"steps": self.steps} | more)
        )

    def _range(
        self, first: date | Partition | None, last: date | Partition | None
    ) -> tuple[date | Partition, date | Partition]:
        if last is None:
            alone = isinstance(first, Partition) or first == self.yesterday
            last = first if alone else datetime.now(UTC).date()
        assert last is not None
        return first or self.yesterday, last

    # -- what a merchant, shoppers and the warehouse do

    def to_store(self, path: str, body: Any, method: str = "POST") -> Json:
        """Make a control call of the store."""
        return self._control(method, f"bigcommerce/{self.store}/{path}", body)

    def to_oms(self, path: str, body: Any, method: str = "POST") -> Json:
        """Make a control call of the tenant."""
        return self._control(method, f"{self.oms_kind}/{self.store}/{path}", body)

    def place(self, *given: Json) -> None:
        """Place orders at the store."""
        self.to_store("orders", list(given))

    def place_many(self, numbers: Iterable[int]) -> list[Json]:
        """Place good orders of yesterday, and return their documents."""
        placed = [documents.order(number, self.moment()) for number in numbers]
        self.place(*placed)
        return placed

    def fault(self, system: str, *rules: Json) -> None:
        """Set faults between Lockstep and a system (sandbox/faults.py) instead of earlier ones."""
        path = f"{self.url}/_sandbox/{system}/{self.store}/faults"
        self.http.request("DELETE", path).raise_for_status()
        self.http.post(path, content=orjson.dumps(list(rules))).raise_for_status()

    def _control(self, method: str, path: str, body: Any) -> Json:
        answer = self.http.request(
            method, f"{self.url}/_sandbox/{path}", content=orjson.dumps(body)
        )
        assert answer.is_success, answer.text
        content: Json = orjson.loads(answer.content)
        return content

    # -- what the systems themselves say

    def store_counts(self) -> Json:
        """Return the store's count of calls and effects."""
        return self._ask(f"bigcommerce/{self.store}/counts")[0]

    def oms_counts(self) -> Json:
        """Return the tenant's count of calls and effects."""
        return self._ask(f"{self.oms_kind}/{self.store}/counts")[0]

    def effects(self) -> tuple[Any, ...]:
        """Return the number of all effects at both systems, to compare before and after."""
        store, oms = self.store_counts(), self.oms_counts()
        at_store = tuple(
            store[name]
            for name in ("shipments", "status_changes", "inventory_batches", "inventory_writes")
        )
        return at_store + tuple(oms[name] for name in ("creates", "saves", "cancels"))

    def oms_orders(self) -> dict[str, Json]:
        """Return what the tenant holds of each order, by id."""
        return {row["OrderId"]: row for row in self._ask(f"manhattan/{self.store}/effects/orders")}

    def oms_order(self, number: int | str) -> Json:
        """Return the order as the tenant holds it, whole."""
        order: Json = self._ask(f"manhattan/{self.store}/effects/order/{number}")[0]["order"]
        return order

    def store_orders(self) -> dict[int, Json]:
        """Return the store's orders by id."""
        return {row["id"]: row for row in self._ask(f"bigcommerce/{self.store}/dump/orders")}

    def store_shipments(self) -> list[Json]:
        """Return every shipment that was created at the store."""
        return self._ask(f"bigcommerce/{self.store}/effects/shipments")

    def store_stock(self) -> dict[str, Json]:
        """Return the store's levels by SKU: ``quantity`` and the number of ``writes``."""
        return {row["sku"]: row for row in self.levels()}

    def levels(self) -> list[Json]:
        """Return the store's levels by SKU and location."""
        return self._ask(f"bigcommerce/{self.store}/dump/inventory")

    def _ask(self, path: str) -> list[Json]:
        answer = self.http.get(f"{self.url}/_sandbox/{path}").raise_for_status()
        return [orjson.loads(line) for line in answer.content.splitlines() if line.strip()]

    # -- what the ledger says

    def sql(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the ledger."""
        return self._execute(query, parameters).fetchall()

    def sql_write(self, statement: str, *parameters: Any) -> None:
        """Change the ledger behind its back, as time and operators do."""
        self._execute(statement, parameters)

    def _execute(self, statement: str, parameters: Sequence[Any]) -> psycopg.Cursor[Any]:
        try:
            return self._db().execute(statement, parameters)
        except psycopg.OperationalError:
            if not self._kept or not self._kept[1].closed:
                raise
        return self._db().execute(statement, parameters)  # the server was restarted meanwhile

    def _db(self) -> psycopg.Connection[Any]:
        """Return a connection that is kept: to make one takes longer than most queries."""
        if self._kept and (self._kept[0] != self.database or self._kept[1].closed):
            self.let_go()
        if not self._kept:
            self._kept = self.database, psycopg.connect(self.database, autocommit=True)
        return self._kept[1]

    def let_go(self) -> None:
        """Close the connection that is kept, so that the database can be copied."""
        if self._kept:
            self._kept[1].close()
        self._kept = None

    def outcomes(self, stream: str) -> dict[str, tuple[str, str | None]]:
        """Return the newest version's (state, outcome), or (state, rule or code), by source id."""
        rows = self.sql(
            """SELECT DISTINCT ON (source_id) source_id, state,
                      CASE WHEN state = 'accepted' THEN outcome ELSE rule END
               FROM sync.record WHERE stream = %s
               ORDER BY source_id, source_updated_at DESC, (state <> 'superseded') DESC""",
            stream,
        )
        return {source_id: (state, why) for source_id, state, why in rows}

    def deliveries(self, stream: str) -> list[tuple[str, str, str, int]]:
        """Return (source id, action, state, attempts) of every delivery in order."""
        rows = self.sql(
            "SELECT source_id, action, state, attempts FROM sync.delivery WHERE stream = %s "
            "ORDER BY source_id, claimed_at, action",
            stream,
        )
        return [tuple(row) for row in rows]

    def open_rejections(self, stream: str) -> dict[str, str]:
        """Return the code of each open rejection by source id."""
        return dict(
            self.sql(
                "SELECT source_id, code FROM sync.rejection "
                "WHERE stream = %s AND state IN ('open', 'retried')",
                stream,
            )
        )
