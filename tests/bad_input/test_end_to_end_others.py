"""Bad records of commercetools and Extensiv through the real steps, between good ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from assets.chain.stream import Stream
from assets.streams.inventory.stream import Inventory
from assets.streams.orders.stream import Orders
from assets.streams.shipments.stream import Shipments
from domain.exchange import RawRecord
from resources.http.rate_limit import LocalQuota
from resources.oms.extensiv.adapter import build as build_oms
from resources.platforms.commercetools.adapter import build as build_platform
from resources.sync import Sync
from tests.bad_input.counts import END_TO_END_OTHERS
from tests.bad_input.mutations import Mutator
from tests.bad_input.systems import START
from tests.bad_input.test_commercetools import documents, uuid_of
from tests.bad_input.test_end_to_end import sync_between, validated_twice
from tests.bad_input.test_extensiv import ROW, whole
from tests.resources.oms.extensiv.samples import settings_of, shipment, view
from tests.resources.platforms.commercetools.projects import connection, order, settings

pytestmark = pytest.mark.slow(seconds=20)

STREAMS: tuple[Stream[Any], ...] = (Orders(), Shipments(), Inventory())
EACH = END_TO_END_OTHERS // len(STREAMS)


@pytest.fixture
def sync(database: str) -> Iterator[Sync]:
    """A connection whose systems are never called, since all data are captures."""
    rules = connection(
        oms={"kind": "extensiv"},
        orders={"check_items": False, "shipping_methods": {"Ground": "Ground"}},
        inventory={"missing_item": "zero"},
        rejection_threshold=1.0,
    )
    platform = build_platform(settings(), rules, lambda _: "secret", LocalQuota())
    oms = build_oms(settings_of(), rules, lambda _: "key", LocalQuota())
    yield from sync_between(database, rules, platform, oms)


def good(stream: str, number: int) -> RawRecord:
    """Return a record that is accepted."""
    if stream == "orders":
        document = order(id=uuid_of(number + 1), orderNumber=f"G{number}")
        return RawRecord(document["id"], START, orjson.dumps(document))
    if stream == "shipments":
        name = f"{500_000 + number}"
        stamp = START.isoformat()
        payload = view(shipment(("SKU-1", 1)), cust_ref=name, updated_date_time=stamp)
        return RawRecord(name, START, payload)
    row = ROW | {"sku": f"GOOD-{number}"}
    return RawRecord(f"GOOD-{number}@AllWarehouses", START, orjson.dumps(row))


def bad_records(stream: str, count: int) -> list[RawRecord]:
    """Return bad records, each with an id of its own."""
    spoilt = {"orders": documents(), "shipments": whole(), "inventory": [orjson.dumps(ROW)]}
    payloads = Mutator(spoilt[stream]).payloads(count, seed=24_000_000)
    return [RawRecord(f"{100_000 + i}", START, payload.body) for i, payload in enumerate(payloads)]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_bad_record_has_one_outcome_and_the_good_ones_are_accepted(
    sync: Sync, stream: Stream[Any]
) -> None:
    """Validated twice: the counts balance, and each rejection can be acted on."""
    bad, sound = bad_records(stream.name, EACH), [good(stream.name, i) for i in range(EACH // 10)]
    validated_twice(sync, stream, bad, sound)
