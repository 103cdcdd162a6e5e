"""Two connections to one BigCommerce account, one for each channel, each with its own warehouse.

They share the account's rate limit, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
import yaml

from assets.reconciliation.run import Request, reconcile
from domain.connections import ORDERS, SHIPMENTS, Installation
from orchestration import settings
from orchestration.settings import ConfigurationError
from resources.ledger.monitoring.activation import resume
from resources.ledger.records.kept_orders import keeps_any
from resources.lockstep import Lockstep
from sandbox.app import RunningSandbox
from tests import loopback
from tests.assets import documents
from tests.assets.direct_run import DirectRun, run_directly
from tests.assets.scene import NAME, partitions_of
from tests.pairs.extensiv_scene import ExtensivScene

pytestmark = pytest.mark.slow(seconds=20)

Json = dict[str, Any]
US, EU = NAME, "acme_eu"
CHANNELS = {US: 1, EU: 7}
PREFIXES = {US: "US-", EU: "EU-"}
LOCATIONS = {US: "US1", EU: "EU1"}
STEPS = ("captured", "validated", "delivered")


class TwoChannels(ExtensivScene):
    """One store with two channels and two locations, and an account for each of them."""

    def configure(self, **sections: Any) -> None:
        """Use both connections; sections are those of both."""
        super().configure(**sections)
        with psycopg.connect(self.database, autocommit=True) as db:
            resume(db, EU, self.installation.connections[EU].streams, "test")
            db.execute(
                """UPDATE sync.activation
                   SET changed_at = now() - interval '1 year', started_at = NULL"""
            )

    def installation_with(self, **sections: Any) -> Installation:
        """Return both connections."""
        base = super().installation_with(**sections).model_dump(mode="json", exclude_unset=True)
        common = base["connections"][NAME]
        base["connections"] = {name: self._connection(common, name) for name in CHANNELS}
        return Installation.model_validate(base)

    def _connection(self, common: Json, name: str) -> Json:
        made: Json = orjson.loads(orjson.dumps(common))
        made["platform"]["channel_id"] = CHANNELS[name]
        account = self.account(name)
        made["oms"] |= {"merchant": account, "base_url": f"{self.url}/extensiv/{account}/v1"}
        made["orders"]["order_id_prefix"] = PREFIXES[name]
        made["inventory"]["store_location"] = LOCATIONS[name]
        return made

    def account(self, name: str) -> str:
        """Return the connection's account at Extensiv."""
        return self.store if name == US else f"{self.store}eu"

    def alone(self, changes: Json) -> None:
        """Use the first connection alone, with changed sections."""
        made = self.installation_with().model_dump(mode="json", exclude_unset=True)
        first = made["connections"][US]
        for name, section in changes.items():
            first[name] |= section
        made["connections"] = {US: first}
        assert self.lockstep is not None
        self.lockstep.close()
        self.lockstep = Lockstep(Installation.model_validate(made), lambda: self.database)

    def run_of(self, name: str, *streams: str, steps: Sequence[str] = STEPS) -> DirectRun:
        """Run whole chains of one connection over yesterday and today."""
        assert self.lockstep is not None
        days = partitions_of(self.yesterday, self.today)
        return run_directly(self.lockstep, name, streams, days, chosen=steps)

    def at(self, name: str, path: str, body: Any = None) -> Any:
        """Make a control call of a connection's account."""
        url = f"{self.url}/_sandbox/extensiv/{self.account(name)}/{path}"
        method = "GET" if body is None else "POST"
        content = None if body is None else orjson.dumps(body)
        answer = loopback.request(method, url, content=content)
        assert answer.is_success, answer.text
        return orjson.loads(answer.content)

    def ids_at(self, name: str) -> list[str]:
        """Return the ids of the orders that an account has."""
        return sorted(row["id"] for row in self.at(name, "truth")["orders"])


@pytest.fixture
def shop(
    sandbox: RunningSandbox, database: str, tmp_path: Path, short_waits: None
) -> Iterator[TwoChannels]:
    """Make a store that no other test uses."""
    made = TwoChannels(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path)
    made.to_store("channels", [{"id": 7, "name": "Europe", "status": "active"}])
    places = [
        {"id": 5 + place, "code": code, "label": code}
        for place, code in enumerate(LOCATIONS.values())
    ]
    made.to_store("locations", places)
    for path, body in (("items", documents.ITEMS), ("supply", documents.supply(30))):
        made.at(EU, path, body)
    yield made
    made.close()


def place(shop: TwoChannels) -> None:
    """Place two orders in the one channel and one in the other."""
    for number, channel in ((1, 1), (2, 7), (3, 1)):
        shop.place(documents.order(number, shop.moment(), channel_id=channel))


def test_each_order_goes_to_the_account_of_its_channel_and_ships_from_there(
    shop: TwoChannels,
) -> None:
    """Once, whichever connection runs first and however often; each shows its own shipments."""
    place(shop)
    for name in (EU, US, EU):
        shop.run_of(name, "orders")
    assert shop.ids_at(US) == ["US-1", "US-3"]
    assert shop.ids_at(EU) == ["EU-2"]
    shop.at(EU, "orders/EU-2/ship", {})
    shop.at(US, "orders/US-1/ship", {})
    for name in (US, EU, US):
        shop.run_of(name, "shipments")
    assert {number: len(shop.shipped(number)) for number in (1, 2, 3)} == {1: 1, 2: 1, 3: 0}
    assert [shop.status(number) for number in (1, 2, 3)] == [2, 2, 11]
    rows = shop.sql("SELECT connection, store_number FROM sync.link WHERE entity = 'order'")
    assert sorted(rows) == [(US, "1"), (US, "3"), (EU, "2")]


def test_an_order_that_was_sent_before_its_channel_was_split_off_is_not_sent_again(
    shop: TwoChannels,
) -> None:
    """The first connection cares for it, or a person if it is gone; new orders are the second's."""
    both = {"platform": {"channel_id": None}}
    shop.place(documents.order(2, shop.moment(), channel_id=7))
    shop.place(documents.order(3, shop.moment(), channel_id=7))
    shop.alone(both)
    shop.run_of(US, "orders")
    assert shop.ids_at(US) == ["US-2", "US-3"]
    shop.configure()
    shop.place(documents.order(4, shop.moment(), channel_id=7))
    shop.run_of(EU, "orders")
    assert shop.ids_at(EU) == ["EU-4"]
    query = "SELECT source_id, rule FROM sync.record WHERE connection = %s AND state = 'skipped'"
    assert dict(shop.sql(query, EU)) == {"2": "sent_elsewhere", "3": "sent_elsewhere"}
    assert shop.lockstep is not None
    sync = shop.lockstep.sync(EU, "reconciliation")
    for day in (shop.yesterday, shop.today):
        found = reconcile(sync, Request(day, (ORDERS, SHIPMENTS), confirm_seconds=0))
        assert found.drifts == [], "its own account need not have them"
    shop.sql_write("UPDATE sync.stream SET configured = false WHERE connection = %s", US)
    shop.sql_write(
        """UPDATE sync.link SET organisation = (
               SELECT organisation FROM sync.connection WHERE connection = %s)
           WHERE connection = %s AND store_id = '2'""",
        EU,
        US,
    )
    shop.run_of(EU, "orders")
    assert shop.ids_at(EU) == ["EU-3", "EU-4"], "3 was sent to an OMS that was left"
    query = "SELECT source_id FROM sync.rejection WHERE connection = %s AND code = %s"
    assert shop.sql(query, EU, "order_sent_elsewhere") == [("2",)]


def test_of_two_connections_that_claim_an_order_at_once_one_sends_it(shop: TwoChannels) -> None:
    """The second has validated it before the first has sent it."""
    shop.place(documents.order(2, shop.moment(), channel_id=7))
    shop.run_of(EU, "orders", steps=("captured", "validated"))
    shop.alone({"platform": {"channel_id": None}})
    shop.run_of(US, "orders")
    shop.configure()
    shop.run_of(EU, "orders", steps=("delivered",))
    assert (shop.ids_at(US), shop.ids_at(EU)) == (["US-2"], [])
    query = "SELECT source_id FROM sync.rejection WHERE connection = %s AND code = %s"
    assert shop.sql(query, EU, "order_sent_elsewhere") == [("2",)]


def test_what_was_sent_before_a_connection_was_narrowed_stays_its_own(shop: TwoChannels) -> None:
    """Until it is done; of the other channel's other orders nothing is read."""
    for number, channel in ((1, 1), (2, 7), (3, 7)):
        shop.place(documents.order(number, shop.moment(), channel_id=channel))
    shop.alone({"platform": {"channel_id": None}})
    shop.run_of(US, "orders")
    assert shop.ids_at(US) == ["US-1", "US-2", "US-3"]
    shop.alone({})
    shop.place(documents.order(4, shop.moment(), channel_id=7))
    shop.to_store("orders/2/status", {"status_id": 5})
    shop.to_store("orders/3", {"customer_message": "Ring twice"}, "PATCH")

    shop.run_of(US, "orders")

    at_oms = {row["id"]: row["canceled"] for row in shop.at(US, "truth")["orders"]}
    assert at_oms == {"US-1": False, "US-2": True, "US-3": False}
    query = "SELECT source_id FROM sync.rejection WHERE code = 'order_not_changeable'"
    assert shop.sql(query) == [("3",)], "its change is seen, too"
    assert shop.sql("SELECT count(*) FROM sync.capture WHERE source_id = '4'") == [(0,)]
    db = shop._db()
    assert keeps_any(db, US)
    shop.sql_write("UPDATE sync.target_state SET milestone = 'canceled'")
    assert not keeps_any(db, US)
    assert shop.sql("SELECT narrowed_at IS NULL FROM sync.connection") == [(False,)]
    shop.sql_write("UPDATE sync.connection SET narrowed_at = now() - interval '2 days'")
    assert not keeps_any(db, US)
    assert shop.sql("SELECT narrowed_at IS NULL FROM sync.connection") == [(True,)]


def test_a_connection_that_is_widened_and_narrowed_again_follows_what_it_has_sent(
    shop: TwoChannels,
) -> None:
    """Also one that was narrowed before 0.8.0, of which the ledger does not know that."""
    whole: Json = {"platform": {"channel_id": None}}
    shop.place(documents.order(1, shop.moment(), channel_id=7))
    shop.alone(whole)
    shop.run_of(US, "orders")
    shop.alone({})
    shop.run_of(US, "orders")
    shop.sql_write("UPDATE sync.connection SET narrowed_at = NULL")
    assert not keeps_any(shop._db(), US)

    shop.alone(whole)
    shop.place(documents.order(2, shop.moment(), channel_id=7))
    shop.run_of(US, "orders")
    shop.alone({})
    shop.place(documents.order(3, shop.moment(), channel_id=7))
    for number in (1, 2):
        shop.to_store(f"orders/{number}/status", {"status_id": 5})
    shop.run_of(US, "orders")

    at_oms = {row["id"]: row["canceled"] for row in shop.at(US, "truth")["orders"]}
    assert at_oms == {"US-1": True, "US-2": True}


def test_stock_of_each_warehouse_goes_to_the_location_of_its_channel(shop: TwoChannels) -> None:
    """Neither overwrites the other's numbers."""
    for name in (US, EU, US):
        shop.run_of(name, "inventory")
    shown = {(row["sku"], row["location_id"]): row["quantity"] for row in shop.levels()}
    assert (shown["MUG", 5], shown["MUG", 6]) == (1_000, 30)
    assert shown.get(("MUG", 1), 0) == 0, "the default location is of neither"


def test_both_register_a_webhook_of_their_own_and_leave_the_others(shop: TwoChannels) -> None:
    """The store has one for each scope and destination, and a destination names its connection."""
    shop.configure(platform={"client_secret": shop.section()["cart_key"]})
    assert shop.lockstep is not None
    wanted = {}
    for _ in range(2):
        for name in CHANNELS:
            feed = shop.lockstep.sync(name, run_id="").feeds["platform"]
            destination = f"http://127.0.0.1:9/hooks/{name}/platform"
            wanted[name] = destination
            feed.ensure(destination)
            assert all(check.ok for check in feed.state(destination))
    listed = shop.to_store("hooks", {})["hooks"]
    assert sorted(hook["destination"] for hook in listed) == sorted(wanted.values())


def test_an_event_of_another_channels_order_brings_nothing(shop: TwoChannels) -> None:
    """A webhook is the store's, and names an order of any channel."""
    place(shop)
    assert shop.lockstep is not None
    for name, own in ((US, {"1", "3"}), (EU, {"2"})):
        orders = shop.lockstep.sync(name, run_id="").orders
        read = [record for page in orders.read(["1", "2", "3"]) for record in page.records]
        mapped = {r.source_id for r in read if hasattr(orders.to_canonical(r.payload), "record")}
        assert mapped == own


def test_the_accounts_rate_limit_is_shared(shop: TwoChannels) -> None:
    """Both at once never exceed it: the store refuses no call, and the calls take their time."""
    limit, each = 20, 15
    shop.to_store("settings", {"quota": limit, "window_ms": 1_000})
    shop.configure(platform={"quota": limit, "window_seconds": 1.0})
    assert shop.lockstep is not None
    before = shop.store_counts()
    sources = [shop.lockstep.sync(name, run_id="").orders for name in CHANNELS]

    def probe(source: Any) -> None:
        for _ in range(each):
            source.probe(shop.moment())

    started = time.monotonic()
    with ThreadPoolExecutor(len(sources)) as threads:
        list(threads.map(probe, sources))
    assert time.monotonic() - started > 0.5
    after = shop.store_counts()
    assert after["rate_limited"] == before["rate_limited"]
    rows = shop.sql("SELECT bucket FROM sync.quota WHERE bucket LIKE 'bigcommerce:%%'")
    assert rows == [(f"bigcommerce:{shop.store}",)]


@pytest.mark.parametrize("channel", [1, None])
def test_two_connections_to_one_channel_are_refused_at_the_start(
    shop: TwoChannels, tmp_path: Path, channel: int | None
) -> None:
    """Equal, or one of all channels beside one of some."""
    document = shop.installation.model_dump(mode="json", exclude_unset=True)
    document["connections"][EU]["platform"]["channel_id"] = channel
    file = tmp_path / "connections.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    with pytest.raises(ConfigurationError, match="both serve bigcommerce store"):
        settings.load(file)
