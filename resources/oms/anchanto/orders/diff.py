"""Comparing an order at the account with what it should hold, in our names. Pure."""

from __future__ import annotations

from collections.abc import Mapping

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
from resources.oms.anchanto.payload import unreadable

ADDRESS_FIELDS = (
    "first_name", "last_name", "company", "address1", "address2", "city", "zipcode", "country_iso",
    "phone",
)  # fmt: skip
ORDER_FIELDS: dict[Path, str] = {
    ("external_id",): "store_order",
    ("currency_code",): "currency",
    ("carrier", "carrier_code"): "delivery",
    ("totals", "discount"): "discounts",
    ("totals", "shipping"): "charges",
    ("totals", "tax"): "taxes",
    ("customer", "name"): CUSTOMER,
    ("customer", "email"): CUSTOMER,
    **{("shipping_address", name): ADDRESS for name in ADDRESS_FIELDS},
}
FORM = OrderForm(
    order_id="number",
    lines="order_items",
    line_id="line_id",
    sku="sku",
    postcode="zipcode",
    order_fields=lambda _: ORDER_FIELDS,
    line_fields={("sku",): "sku", ("quantity",): "quantity", ("unit_price",): "unit_price"},
    as_asked=frozenset(("external_id", "currency_code", "carrier_code")),
    numbers=frozenset(("discount", "shipping", "tax", "unit_price", "quantity")),
)
order_change, units_of = FORM.change, FORM.units


def compare_order(actual: object, wanted: JsonView) -> tuple[Json, list[Difference]]:
    """Return what an order holds of ``wanted``, in the form of ``wanted``, and the differences.

    Raises ``RecordRejected`` ``oms_payload_unreadable`` for an order of another shape.
    """
    if not isinstance(actual, Mapping):
        raise unreadable(
            "order", "The order can't be compared with what was sent: it is not an object."
        )
    try:
        return FORM.compare(actual, wanted)
    except MALFORMED as error:
        text = f"The order can't be compared with what was sent ({type(error).__name__})."
        raise unreadable("order", text) from error
