"""An order as the body of a new order (oms.md, section 3.3). Pure.

An order goes to one address and ships: what Anchanto has no place for is a rejection that names it.
The sums add up to the order's total to the cent.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TypeAlias

from domain.addressing.addresses import Address
from domain.builders.cut_texts import cut
from domain.builders.single_address import refuse_hold, single_group
from domain.errors import Problem, RecordRejected
from domain.parsing.json_numbers import to_count, to_number
from domain.records.orders import Customer, FulfilmentGroup, Order, OrderLine
from resources.oms.anchanto.settings import AnchantoSettings

Json: TypeAlias = dict[str, object]

ZERO = Decimal(0)
PRICE = Decimal("0.0001")
LONGEST_TEXT = 250
"""Of a free text: UNVERIFIED, no limit is known."""


class OrderMapper:
    """Maps orders by one account's settings."""

    def __init__(self, settings: AnchantoSettings) -> None:
        self._settings = settings

    def payload(self, order: Order) -> Json:
        """Return a new order in our names. Raises ``RecordRejected``."""
        group = single_group(order, "Anchanto")
        refuse_hold(order.hold, "no call is known to release it at Anchanto")
        self._check_seller(group)
        lines = [line for line in order.lines if line.group_id == group.group_id]
        payload: Json = {
            "number": order.order_id,
            "store_code": self._settings.store_code,
            "external_id": order.source_id,
            "status": self._settings.create_status,
            "currency_code": order.currency,
            "order_date": f"{order.ordered_at:%Y-%m-%dT%H:%M:%SZ}",
            "shipped_via": self._settings.seller.value,
            "customer": _customer(order.customer),
            "billing_address": _address(order.billing),
        }
        if group.address is not None:
            payload["shipping_address"] = _address(group.address)
        if group.shipping_method:
            name = group.source_shipping_method or group.shipping_method
            payload["carrier"] = {"carrier_code": group.shipping_method, "carrier_name": name}
        if remarks := _remarks(order, lines, group):
            payload["remarks"] = remarks
        if order.payments:
            payload["payment"] = _payment(order)
        payload["totals"] = _totals(order, lines)
        payload["order_items"] = [_item(line) for line in lines]
        return payload

    def _check_seller(self, group: FulfilmentGroup) -> None:
        """Raise ``RecordRejected`` for an order that the marketplace ships."""
        methods = self._settings.seller.methods
        if methods is None or group.shipping_method in methods:
            return
        raise RecordRejected(
            Problem(
                "not_shipped_by_seller",
                "groups.shipping_method",
                "The order is not shipped by the seller, and only such orders go to Anchanto's "
                "warehouse.",
                "Discard the rejection; or name the shipping method in oms.seller.methods.",
                group.shipping_method or "none",
            )
        )


def _customer(customer: Customer) -> Json:
    parts = {
        "name": f"{customer.first_name} {customer.last_name}".strip(),
        "email": customer.email,
        "phone": customer.phone_e164 or "",
    }
    return {name: value for name, value in parts.items() if value}


def _address(address: Address) -> Json:
    parts = {
        "first_name": address.first_name,
        "last_name": address.last_name,
        "company": address.company,
        "address1": address.line_1,
        "address2": address.line_2,
        "city": address.city,
        "state": address.subdivision.removeprefix(f"{address.country}-"),
        "zipcode": address.postcode,
        "country_iso": address.country,
        "phone": address.phone_e164 or address.phone_raw,
    }
    return {name: value for name, value in parts.items() if value}


def _totals(order: Order, lines: list[OrderLine]) -> Json:
    """Return the order's sums; what is left of rounding is in them."""
    goods = sum((line.unit_price * line.quantity for line in lines), ZERO)
    charges = [*order.charges, *(charge for line in lines for charge in line.charges)]
    shipping = sum((charge.amount for charge in charges), ZERO)
    discounts = sum((discount.amount for discount in order.discounts), ZERO)
    discounts += sum((line.total_discount() for line in lines), ZERO)
    tax = ZERO
    if not order.tax_included:
        tax = sum((*(x.total_tax() for x in lines), *(charge.tax for charge in charges)), ZERO)
    if len(lines) == len(order.lines):
        rounding = order.total - (goods + tax + shipping - discounts)
        shipping, discounts = shipping + max(rounding, ZERO), discounts - min(rounding, ZERO)
    paid = sum((payment.amount for payment in order.payments), ZERO)
    amounts = {
        "subtotal": goods,
        "discount": discounts,
        "shipping": shipping,
        "tax": tax,
        "paid": paid,
    }
    return {name: to_number(amount, f"totals.{name}") for name, amount in amounts.items()}


def _item(line: OrderLine) -> Json:
    field = f"order_items[{line.line_id}]"
    discount = line.total_discount()
    selling = (line.unit_price - discount / line.quantity).quantize(PRICE, ROUND_HALF_UP)
    return {
        "line_id": line.line_id,
        "sku": line.sku,
        "quantity": to_count(line.quantity, f"{field}.quantity"),
        "unit_price": to_number(line.unit_price, f"{field}.unit_price"),
        "selling_price": to_number(selling, f"{field}.selling_price"),
        "discount": to_number(discount, f"{field}.discount"),
        "tax": to_number(line.total_tax(), f"{field}.tax"),
    }


def _remarks(order: Order, lines: list[OrderLine], group: FulfilmentGroup) -> str:
    """Return what shoppers have written; notes of the store's staff are not for the warehouse."""
    texts = [f"Purchase order: {order.purchase_order}"] if order.purchase_order else []
    texts += [*group.texts, *(note.text for note in order.notes if note.kind != "staff")]
    for line in lines:
        own = [*line.options, *line.texts]
        texts += [f"{line.sku}: {'; '.join(own)}"] if own else []
        texts += [line.gift_message] if line.gift_message else []
    return cut("; ".join(dict.fromkeys(texts)), LONGEST_TEXT)


def _payment(order: Order) -> Json:
    """Return the largest payment; never card data."""
    payment = max(order.payments, key=lambda each: each.amount)
    done = [t for t in payment.transactions if t.succeeded]
    is_settled = any(t.kind == "settlement" for t in done)
    status = "paid" if is_settled else "authorized" if done else "pending"
    result: Json = {"method": payment.method or payment.source_method, "status": status}
    if done:
        result["reference"] = done[-1].reference
    return result
