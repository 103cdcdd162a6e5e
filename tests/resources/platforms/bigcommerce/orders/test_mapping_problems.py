"""What rejects an order, with the problem's code and its path in the store's names."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import RecordRejected
from domain.parsing.scalars import to_moment
from tests.resources.platforms.bigcommerce.stores import (
    ADDRESS,
    LINE,
    line_of,
    mapper,
    order,
    rejected,
)


def test_all_problems_of_an_order_are_named_at_once() -> None:
    """Each with its path in the store's names."""
    document = order(
        default_currency_code="", customer_id="x", billing_address=ADDRESS | {"email": ""}
    )
    line_of(document).update(sku=" ", quantity=-1)
    document["consignments"]["shipping"][0].update(
        shipping_method="Dragon", country_iso2="", country="Narnia"
    )
    download = LINE | {"id": 502, "type": "digital"}
    document["consignments"]["downloads"] = [{"recipient_email": "", "line_items": [download]}]
    problems = rejected(document)
    shipping = "consignments.shipping[0]"
    assert problems["sku_missing"].field == f"{shipping}.line_items[0].sku"
    assert problems["quantity_invalid"].value == "-1"
    assert problems["shipping_method_unknown"].field == f"{shipping}.shipping_method"
    assert problems["country_unknown"].field == f"{shipping}.country_iso2"
    assert {"currency_invalid", "malformed_value", "email_missing"} <= problems.keys()


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("date_created", "yesterday", "date_invalid"),
        ("date_created", "", "date_missing"),
        ("total_inc_tax", "1,5", "malformed_value"),
        ("total_inc_tax", None, "amount_missing"),
        ("status_id", 99, "status_unknown"),
        ("is_tax_inclusive_pricing", "no", "malformed_value"),
        ("consignments", {"url": "x", "resource": "y"}, "consignments_missing"),
        ("items_total", 5, "lines_incomplete"),
        ("discount_amount", "-1", "discount_negative"),
    ],
)
def test_a_header_value_that_cannot_be_used_is_named(path: str, value: Any, code: str) -> None:
    """No header value is guessed."""
    assert code in rejected(order(**{path: value}))


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("quantity", 1.5, "quantity_invalid"),
        ("quantity", 0, "quantity_invalid"),
        ("quantity", True, "quantity_invalid"),
        ("type", "robot", "line_type_unknown"),
        ("price_ex_tax", "ten", "malformed_value"),
        ("sku", "x" * 300, "sku_too_long"),
        ("id", None, "line_id_missing"),
    ],
)
def test_a_line_value_that_cannot_be_used_is_named(path: str, value: Any, code: str) -> None:
    """No line value is guessed."""
    document = order()
    line_of(document)[path] = value
    assert code in rejected(document)


def test_lines_must_be_there_once_each() -> None:
    """No lines, and two with one id, are rejections."""
    document = order(items_total=0)
    document["consignments"]["shipping"][0]["line_items"] = []
    assert "order_without_lines" in rejected(document)
    document["consignments"]["shipping"][0]["line_items"] = [LINE, LINE]
    assert "line_id_duplicate" in rejected(document)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"7", b"{}", b'{"order": 1}', b'{"id": -1}', b'{"id": "x"}']
)
def test_a_payload_that_is_no_order_is_rejected(payload: bytes) -> None:
    """Never another kind of error."""
    with pytest.raises(RecordRejected):
        mapper().to_order(payload, lambda _: True)


def test_a_sku_with_a_control_character_is_rejected_as_such() -> None:
    """A zero byte would stop the load of the whole chunk; it is shown as its escape."""
    document = order()
    line_of(document)["sku"] = "MUG\x00"
    problem = rejected(document)["sku_invalid"]
    assert (problem.field, problem.value) == (
        "consignments.shipping[0].line_items[0].sku",
        r"MUG\x00",
    )


def test_a_date_of_another_century_is_no_date() -> None:
    """Nor is a text of a thousand digits an amount."""
    assert to_moment("Thu, 19 Mar 0026 10:00:00 +0000") is None
    assert to_moment("9999-12-31T23:59:59Z") is None
    assert set(rejected(order(total_tax="0." + "1" * 1000))) == {"malformed_value"}


@pytest.mark.parametrize("length", [1_001, 5_000])
def test_an_address_part_of_thousands_of_characters_is_rejected(length: int) -> None:
    """No label holds it, and addresses are remembered."""
    document = order()
    document["consignments"]["shipping"][0]["city"] = "x" * length
    problem = rejected(document)["malformed_value"]
    assert problem.field == "consignments.shipping[0].city"
