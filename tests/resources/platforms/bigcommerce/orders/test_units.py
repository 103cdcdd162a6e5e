"""Units of an order that can't be mapped: what they take from stock is not offered again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from resources.platforms.bigcommerce.orders.units import ordered_units
from tests.resources.platforms.bigcommerce.orders.test_refunds import mapped_order, refunded
from tests.resources.platforms.bigcommerce.stores import Json, line_of, order, rejected

REFUNDED = 4


def units(document: object) -> dict[str, Decimal]:
    """Return the units of a captured order."""
    return ordered_units(orjson.dumps(document))


def test_the_units_of_a_rejected_order_count() -> None:
    """Whatever is wrong with it, it is sold."""
    document = order(status_id=99, currency_code="?", total_inc_tax="1.0000")
    assert rejected(document)
    assert units(document) == {"TOWEL-1": 2}


def test_lines_of_one_sku_are_added_up_over_all_consignments() -> None:
    """Shipped, picked up or downloaded; a line without a SKU, as a gift certificate, is none."""
    document = order()
    line = line_of(document)
    consignments = document["consignments"]
    consignments["shipping"][0]["line_items"] = [line, line | {"id": 502, "sku": " TOWEL-1 "}, None]
    consignments["pickups"] = [{"id": 3, "line_items": [line | {"id": 503, "quantity": 4}]}]
    download = line | {"id": 504, "sku": "EBOOK", "type": "digital", "quantity": 1}
    consignments["downloads"] = [{"line_items": [download]}]
    certificate = line | {"id": 505, "sku": None, "type": "giftcertificate", "quantity": 1}
    consignments["email"] = {"gift_certificates": [{"line_items": [certificate]}]}
    assert units(document) == {"TOWEL-1": 8, "EBOOK": 1}


def test_lines_that_were_fetched_apart_count_instead_of_the_consignments_links() -> None:
    """Of a capture with its products; one that is null has no units."""
    document = order()
    line = line_of(document)
    document["consignments"]["shipping"][0]["line_items"] = [{"resource": "/products"}]
    assert units(document) == {}
    assert units({"order": document, "products": [line, None]}) == {"TOWEL-1": 2}


@pytest.mark.parametrize(
    "lines",
    [
        [{"quantity_refunded": 1}, {}],
        [{"quantity_refunded": "2"}, {"quantity_refunded": 1}],
        [{"quantity_refunded": 9}, {}],
        [{"is_refunded": True}, {}],
        [{"quantity_refunded": 1, "quantity_shipped": 1}, {}],
        [{"quantity_refunded": 1, "quantity_shipped": 3}, {}],
        [{"quantity_refunded": 2, "quantity_shipped": 2}, {}],
        [{"is_refunded": True, "quantity_shipped": 1}, {}],
    ],
)
def test_a_refund_gives_back_what_it_gives_back_of_a_mapped_order(lines: list[Json]) -> None:
    """Units that had shipped are gone from the shelf until they are returned."""
    document = refunded(*lines)
    record = mapped_order(document).record
    assert sum(units(document).values()) == sum(line.quantity for line in record.lines)


@pytest.mark.parametrize(("shipped", "left"), [(0, {}), (2, {"TOWEL-1": 2}), (9, {"TOWEL-1": 3})])
def test_an_order_refunded_as_a_whole_holds_only_what_has_shipped(
    shipped: int, left: dict[str, int]
) -> None:
    """Its lines need not say that they are refunded."""
    document = refunded({"quantity_shipped": shipped}, {}, status_id=REFUNDED)
    assert units(document) == left


@pytest.mark.parametrize("odd", ["many", 1.5, -1, True])
def test_a_number_that_can_not_be_read_gives_no_units_back(odd: Any) -> None:
    """Units are held too long rather than sold twice; no number of ordered units is none."""
    ordered = {"TOWEL-1": 6}
    assert units(refunded({"quantity_refunded": odd}, {})) == ordered
    assert units(refunded({"quantity_refunded": 1, "quantity_shipped": odd}, {})) == ordered
    assert units(refunded({"quantity": odd}, {})) == {"TOWEL-1": 3}


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b'"order"', b"{}"])
def test_a_payload_that_is_no_order_has_no_units(payload: bytes) -> None:
    """Nor does it stop the others' from being counted."""
    assert ordered_units(payload) == {}
