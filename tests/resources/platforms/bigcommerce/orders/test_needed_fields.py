"""Only what fulfilment needs can keep an order out; the rest is a warning."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest

from domain.exchange import Mapped
from domain.records.orders import DeliveryMethod, Order
from tests.resources.platforms.bigcommerce.stores import (
    ADDRESS,
    LINE,
    Json,
    mapper,
    order,
    rejected,
)


def mapped_with_warnings(document: Json) -> tuple[Order, dict[str, str]]:
    """Map an order that is sent; return it with the field of each warning by code."""
    result = mapper().to_order(orjson.dumps(document), lambda _: False)
    assert isinstance(result, Mapped)
    return result.record, {warning.code: warning.field for warning in result.warnings}


def digital(**consignment: Any) -> Json:
    """Return an order of one download and nothing else."""
    document = order(
        shipping_cost_ex_tax="0",
        shipping_cost_inc_tax="0",
        shipping_cost_tax="0",
        total_tax="2.0000",
        total_inc_tax="22.0000",
        billing_address={"email": "jane@example.com", "first_name": "Jane"},
    )
    line = copy.deepcopy(LINE) | {"type": "digital", "order_address_id": 0}
    held = {"recipient_email": "jane@example.com", "line_items": [line]} | consignment
    document["consignments"] |= {"shipping": [], "downloads": [held]}
    return document


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"street_1": ""}, "street_missing", "street_1"),
        ({"city": " "}, "city_missing", "city"),
        ({"email": ""}, "email_missing", "email"),
        ({"email": "jane at example"}, "email_invalid", "email"),
        ({"country_iso2": "", "country": ""}, "country_missing", "country_iso2"),
        ({"country_iso2": "ZZ", "country": "Narnia"}, "country_unknown", "country_iso2"),
    ],
)
def test_a_faulty_billing_address_is_a_warning(changes: Json, code: str, field: str) -> None:
    """The parcel does not go there, and its own address is whole."""
    document = order(billing_address=ADDRESS | changes)
    result, warnings = mapped_with_warnings(document)
    assert warnings[code] == f"billing_address.{field}"
    assert result.groups[0].address is not None
    assert result.groups[0].address.line_1 == ADDRESS["street_1"]


def test_an_order_without_any_billing_address_goes_out() -> None:
    """A point of sale has none."""
    for nothing in (None, {}):
        _, warnings = mapped_with_warnings(order(billing_address=nothing))
        assert {"street_missing", "city_missing", "email_missing"} <= warnings.keys()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"street_1": ""}, "street_missing"),
        ({"city": ""}, "city_missing"),
        ({"country_iso2": "", "country": ""}, "country_missing"),
    ],
)
def test_a_faulty_shipping_address_still_rejects(changes: Json, code: str) -> None:
    """The warehouse could not ship there."""
    document = order()
    document["consignments"]["shipping"][0] |= changes
    assert rejected(document)[code].field.startswith("consignments.shipping[0].")


def test_a_digital_order_needs_an_email_address_and_no_street() -> None:
    """The shopper's own where the consignment names no recipient."""
    for recipient in ("ann@example.com", "", None):
        result, _ = mapped_with_warnings(digital(recipient_email=recipient))
        [group] = result.groups
        expected = recipient or "jane@example.com"
        assert (group.method, group.recipient_email) == (DeliveryMethod.EMAIL, expected)
    document = digital(recipient_email="")
    document["billing_address"] = {}
    problem = rejected(document)["email_missing"]
    assert problem.field == "consignments.downloads[0].recipient_email"
    assert "email_invalid" in rejected(digital(recipient_email="nowhere"))


def test_a_shipping_address_in_singapore_needs_no_city() -> None:
    """Nor does one of the British forces."""
    for changes in (
        {"country_iso2": "SG", "country": "Singapore", "zip": "018956"},
        {"country_iso2": "GB", "country": "United Kingdom", "zip": "BFPO 57"},
    ):
        document = order()
        document["consignments"]["shipping"][0] |= {"city": "", "state": "", "phone": ""} | changes
        result, warnings = mapped_with_warnings(document)
        assert result.groups[0].address is not None
        assert result.groups[0].address.postcode == changes["zip"]
        assert warnings == {}


def test_a_part_of_a_billing_address_that_is_too_long_is_cut_with_a_warning() -> None:
    """Nothing goes there, so that it rejects no order; the shipping address stays whole."""
    long = {"street_1": "Long " * 80, "email": f"{'a' * 250}@example.com"}
    document = order(billing_address=ADDRESS | long)
    document["consignments"]["shipping"][0]["street_1"] = "Long " * 80
    record, warnings = mapped_with_warnings(document)
    assert warnings["billing_part_cut"] == "billing_address.email"
    assert (record.billing.line_1, record.billing.email) == ("Long " * 50 + "Long", "")
    [group] = record.groups
    assert group.address is not None
    assert group.address.line_1 == ("Long " * 80).strip()
