"""Bad customers of each store, and of the OMS if they are compared with what was sent."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from resources.oms.manhattan.customers.mapping import customer_change, held_content
from tests.assets.customers import ADA, address, customer
from tests.bad_input.counts import CUSTOMERS_EACH
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import outcome_of, run
from tests.resources.oms.manhattan.customers import test_mapping as at_oms
from tests.resources.platforms.bigcommerce.customers import test_mapping as bigcommerce
from tests.resources.platforms.commercetools.customers import test_mapping as commercetools

pytestmark = pytest.mark.slow

PERSONAL = ("adalheid", "brightwater", "kingfisher", "5125550142", "555-0142")
DELETION = {
    "id": "m1",
    "type": "CustomerDeleted",
    "email": "ada@example.org",
    "resource": {"typeId": "customer", "id": commercetools.UUID},
}
LONG = {"customer": customer(7), "addresses": [address(1), address(2)]}
STORES: dict[str, tuple[Any, list[Any]]] = {
    "bigcommerce": (
        bigcommerce.mapper(channel_id=5),
        [customer(7, **ADA), customer(8, channel_ids=[1]), LONG],
    ),
    "commercetools": (
        commercetools.mapper(store_key="us"),
        [commercetools.CUSTOMER, DELETION],
    ),
}


@pytest.mark.parametrize("kind", STORES)
def test_every_spoilt_customer_is_mapped_skipped_or_rejected(kind: str) -> None:
    """No crash, no empty message, no personal value shown."""
    mapper, documents = STORES[kind]
    payloads = Mutator([orjson.dumps(one) for one in documents]).payloads(CUSTOMERS_EACH, 7_000_000)
    outcomes = run(mapper.to_customer, payloads, PERSONAL)
    assert outcomes.total() == CUSTOMERS_EACH
    assert outcomes["mapped"] > CUSTOMERS_EACH // 10
    assert len(outcomes) > 5, "and reach the rules"


def test_a_customer_of_ten_thousand_addresses_is_one_customer() -> None:
    """An import may have made them; the bad ones are one rejection that can be read."""
    many = customer(7, addresses=[address(number) for number in range(1, 10_001)])
    assert outcome_of(STORES["bigcommerce"][0].to_customer, orjson.dumps(many)) == ("mapped", "")
    for entry in many["addresses"]:
        entry["id"] = None
    outcome = outcome_of(STORES["bigcommerce"][0].to_customer, orjson.dumps(many))
    assert outcome == ("customer_address_id_missing", "")


def test_every_spoilt_customer_of_the_oms_is_compared_or_refused() -> None:
    """The change that is planned from it is JSON again, and never without the id."""
    sent = at_oms.mapper().payload(at_oms.customer())
    compared = 0
    for payload in Mutator([orjson.dumps(sent)]).payloads(CUSTOMERS_EACH, 8_000_000):
        try:
            document = orjson.loads(payload.body)
        except ValueError:
            continue
        if not isinstance(document, dict):
            continue
        try:
            held = held_content(document, [sent])
        except (KeyError, TypeError):
            continue  # a problem of the record
        change = customer_change(held, sent)
        compared += 1
        if change is not None:
            assert change["CustomerId"] == "US-7"
            orjson.dumps(change)
    assert compared > CUSTOMERS_EACH // 10
