"""Paths into captured documents."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import PermanentError
from resources.ledger.captures.paths import find, put

ORDER: dict[str, Any] = {
    "order": {
        "id": 7,
        "billing_address": {"zip": "78701"},
        "consignments": {
            "shipping": [
                {
                    "id": 5,
                    "zip": "1",
                    "line_items": [{"id": 701, "sku": "MUG"}, {"id": 702, "sku": "LAMP"}],
                }
            ]
        },
    },
    "products": [{"id": 31, "sku": "TENT"}],
}
PUBLISHED: dict[str, Any] = {
    "OrderId": "7",
    "OrderLine": [{"OrderLineId": "1", "Quantity": 2}, {"OrderLineId": "9", "Quantity": 3}],
}


@pytest.mark.parametrize(
    ("document", "path", "value"),
    [
        (ORDER, "consignments.shipping[0].zip", "1"),
        (ORDER, "order.consignments.shipping[0].zip", "1"),
        (ORDER, "consignments.shipping[5].zip", "1"),
        (ORDER, "billing_address.zip", "78701"),
        (ORDER, "products[0].sku", "TENT"),
        (ORDER, "lines[702].sku", "LAMP"),
        (ORDER, "lines[31].sku", "TENT"),
        (PUBLISHED, "OrderLine[9].Quantity", 3),
        (PUBLISHED, "OrderLine[=1].Quantity", 2),
        (PUBLISHED, "OrderLine[#1].Quantity", 3),
    ],
)
def test_a_path_is_found_as_a_rejection_shows_it(document: Any, path: str, value: object) -> None:
    """With or without the part that holds the record, entries by index or by id."""
    assert find(document, path).value == value


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        (
            ORDER,
            "consignments.shipping[0].zipcode",
            "order.consignments.shipping[0] has id, line_items, zip",
        ),
        (ORDER, "zipcode", "order has billing_address, consignments, id"),
        (ORDER, "consignments.shipping[3].zip", "order.consignments.shipping is a list of 1"),
        (ORDER, "consignments.shipping.zip", "order.consignments.shipping is a list of 1"),
        (ORDER, "billing_address.zip.code", "order.billing_address.zip is a single value"),
        (ORDER, "lines[999].sku", "order has billing_address, consignments, id"),
        (
            PUBLISHED,
            "OrderLine[1].Quantity",
            "[#1] for the place in the list, counted from 0, or [=1] for the id",
        ),
        (ORDER, "order..id", "is not a path"),
        (ORDER, "order.consignments.shipping[0]zip", "is not a path"),
        (ORDER, "", "is not a path"),
    ],
)
def test_a_path_that_leads_nowhere_is_an_error_that_names_what_exists(
    document: Any, path: str, message: str
) -> None:
    """An operator who mistypes a field sees the names that exist there, and no values."""
    with pytest.raises(PermanentError) as error:
        find(document, path)
    assert path in str(error.value)
    assert message in str(error.value)
    assert "78701" not in str(error.value)


def test_a_missing_field_is_added_only_where_it_is_addable() -> None:
    """A rejection for a missing field names it, and it alone may be added."""
    document: dict[str, Any] = {"a": {}}
    found = find(document, "a.email", {"a.email"})
    assert found.is_new
    put(document, found.place, "x@example.com")
    assert document == {"a": {"email": "x@example.com"}}
    with pytest.raises(LookupError):
        put({"a": []}, ("a", 0, "b"), 1)
