"""A connection between a sandbox store and tenant, and the command line to work with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg
import yaml
from click.testing import CliRunner, Result

from assets.streams.registry import STREAMS
from orchestration.cli.root import lockstep
from orchestration.local import sandbox_process
from resources.ledger.monitoring.activation import resume
from tests import loopback
from tests.assets import documents

HISTORY = timedelta(days=10)


class Shop:
    """The connection ``demo``; its store and tenant belong to one test."""

    def __init__(self, url: str, database: str, store: str) -> None:
        self.url, self.database, self.store = url, database, store
        self.today = datetime.now(UTC).date()
        self.yesterday = self.today - timedelta(days=1)
        self.file = sandbox_process.configure("demo", store, self.today - HISTORY, url)
        self.change(orders={"shipping_methods": {"Ground": "Ground"}})
        with psycopg.connect(database, autocommit=True) as db:
            resume(db, "demo", list(STREAMS), "test")
            db.execute(
                """UPDATE sync.activation
                   SET changed_at = now() - interval '1 year', started_at = NULL"""
            )
        self._control(f"bigcommerce/{store}/catalog", documents.PRODUCTS)
        self._control(
            f"manhattan/{store}/locations",
            [{"LocationId": documents.DEPOT, "LocationTypeId": "DC"}],
        )
        self._control(f"manhattan/{store}/items", documents.ITEMS)
        self._control(f"manhattan/{store}/supply", documents.supply())

    def forget_start(self) -> None:
        """Make the connection one that was never started."""
        with psycopg.connect(self.database, autocommit=True) as db:
            db.execute("DELETE FROM sync.activation")

    def change(self, **settings: Any) -> None:
        """Edit the connection in ``connections.yaml``; a mapping is merged into its section."""
        content = yaml.safe_load(self.file.read_text("utf-8"))
        connection = content["connections"]["demo"]
        for name, value in settings.items():
            connection[name] = (
                connection.get(name, {}) | value if isinstance(value, Mapping) else value
            )
        self.file.write_text(yaml.safe_dump(content), "utf-8")

    def place(self, number: int, day: date | None = None, **changes: Any) -> None:
        """Place an order of two lines, by default yesterday's noon."""
        moment = datetime.combine(day or self.yesterday, time(12), UTC)
        self._control(
            f"bigcommerce/{self.store}/orders", [documents.order(number, moment, **changes)]
        )

    def place_by_boat(self, number: int, day: date | None = None) -> None:
        """Place an order whose shipping method is not mapped."""
        self.place(
            number,
            day,
            shipping_addresses=[documents.address(number * 100, shipping_method="Slow boat")],
        )

    def map_boats(self) -> None:
        """Add the mapping that ``place_by_boat`` lacks."""
        self.change(orders={"shipping_methods": {"Ground": "Ground", "Slow boat": "Standard"}})

    def run(self, *arguments: str) -> Result:
        """Run ``lockstep`` with these arguments; raise an exception that is not an exit."""
        result = CliRunner().invoke(lockstep, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def done(self, *arguments: str) -> str:
        """Run ``lockstep``, which must succeed; return its output."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        """Run ``lockstep ... --json`` and return the parsed output."""
        return json.loads(self.done(*arguments, "--json"))

    def connect(self) -> str:
        """Connect with two days of history."""
        return self.done("connect", "demo", "--days", "2", "--yes")

    def replay_orders(self, *options: str) -> str:
        """Run the order chain over the two days before today."""
        first = (self.today - timedelta(days=2)).isoformat()
        return self.done(
            "replay",
            "demo",
            "--streams",
            "orders",
            "--from",
            first,
            "--to",
            self.yesterday.isoformat(),
            *options,
        )

    def sql(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the ledger."""
        with psycopg.connect(self.database, autocommit=True) as db:
            return db.execute(query, parameters).fetchall()

    def saves(self) -> int:
        """Return how many order writes the tenant has received."""
        counts = (
            loopback.request("GET", f"{self.url}/_sandbox/manhattan/{self.store}/counts")
            .raise_for_status()
            .json()
        )
        return int(counts["creates"]) + int(counts["saves"])

    def at_oms(self) -> set[str]:
        """Return the ids of the tenant's orders."""
        answer = loopback.request(
            "GET", f"{self.url}/_sandbox/manhattan/{self.store}/effects/orders"
        ).raise_for_status()
        return {json.loads(line)["OrderId"] for line in answer.text.splitlines() if line.strip()}

    def _control(self, path: str, body: Any) -> None:
        loopback.request("POST", f"{self.url}/_sandbox/{path}", json=body).raise_for_status()
