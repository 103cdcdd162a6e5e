"""Comparing an order at the account with what it should hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from domain.order_comparison import (
    ADDRESS,
    CUSTOMER,
    MALFORMED,
    Json,
    JsonView,
    OrderForm,
    Path,
)
from domain.reconciliation import Difference
from resources.oms.extensiv.payload import unreadable

ORDER_FIELDS: dict[Path, str] = {
    ("cust_po_no",): "number",
    **{(f"custom_field_{n}",): "store_order" for n in range(1, 6)},
    ("currency_code",): "currency",
    ("ship_code",): "delivery",
    ("location",): "delivery",
    ("order_discount",): "discounts",
    ("shipping_handling",): "charges",
    ("sales_tax",): "taxes",
    ("tax",): "taxes",
    ("grand_total",): "total",
}
CUSTOMER_FIELDS = frozenset(("cust_first_name", "cust_last_name", "cust_e_mail"))


def _fields_of(wanted: JsonView) -> Mapping[Path, str]:
    """Return what is compared of an order: of its address the fields that it was sent with."""
    personal: dict[Path, str] = {(name,): kind for name in wanted if (kind := _kind_of(name))}
    return {**personal, **ORDER_FIELDS}


def _kind_of(name: str) -> str:
    if name.startswith("ship_") and (name,) not in ORDER_FIELDS:
        return "" if name == "ship_state" else ADDRESS
    return CUSTOMER if name in CUSTOMER_FIELDS else ""


FORM = OrderForm(
    order_id="cust_ref",
    lines="items",
    line_id="line_item_id",
    sku="item",
    postcode="ship_zip",
    order_fields=_fields_of,
    line_fields={("item",): "sku", ("quantity",): "quantity", ("price",): "unit_price"},
    as_asked=frozenset(
        (
            *(f"custom_field_{n}" for n in range(1, 6)),
            "cust_po_no",
            "currency_code",
            "ship_code",
            "location",
        )
    ),
    numbers=frozenset(
        (
            "order_discount",
            "shipping_handling",
            "sales_tax",
            "tax",
            "grand_total",
            "price",
            "quantity",
        )
    ),
)
order_change, units_of = FORM.change, FORM.units


def compare_order(payload: bytes, wanted: JsonView) -> tuple[Json, list[Difference]]:
    """Return what an order holds of ``wanted``, in the form of ``wanted``, and the differences.

    Raises ``RecordRejected`` ``oms_payload_unreadable`` for an order of another shape.
    """
    try:
        return FORM.compare(orjson.loads(payload), wanted)
    except MALFORMED as error:
        text = f"The order can't be compared with what was sent ({type(error).__name__})."
        raise unreadable("order", text) from error
