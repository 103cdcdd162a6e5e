"""An order as the body of a new order (oms.md, section 2.4). Pure.

An order goes to one address and ships: what Extensiv has no place for is a rejection that names it.
Amounts follow the vendor's rules, so that they add up to the order's total to the cent.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

import pycountry

from domain.addressing.addresses import Address
from domain.addressing.cities import needs_city
from domain.addressing.postcodes import has_postcodes
from domain.builders.cut_texts import cut
from domain.builders.single_address import refuse_hold, single_group
from domain.parsing.json_numbers import to_count, to_number
from domain.records.orders import FulfilmentGroup, Order, OrderLine
from resources.oms.extensiv.settings import ExtensivSettings

Json: TypeAlias = dict[str, object]

ZERO = Decimal(0)
LONGEST_TEXT = 250
"""Of a free text: UNVERIFIED, the vendor names no limit."""
FORCES_POST = "BFPO"
"""Instead of the city of addresses of the British forces, which name no place."""
OUTSIDE_ISO = {"XK": "XKX"}
"""Countries that addresses have and ISO 3166-1 has not."""


class OrderMapper:
    """Maps orders by one account's settings."""

    def __init__(self, settings: ExtensivSettings) -> None:
        self._settings, self._zone = settings, ZoneInfo(settings.order_time_zone)

    def payload(self, order: Order) -> Json:
        """Return the body of a new order. Raises ``RecordRejected``."""
        group = single_group(order, "Extensiv")
        refuse_hold(order.hold, "Extensiv does not accept orders on hold")
        lines = [line for line in order.lines if line.group_id == group.group_id]
        payload: Json = {
            "cust_ref": order.order_id,
            "cust_po_no": order.purchase_order or order.number,
            "order_date": order.ordered_at.astimezone(self._zone).date().isoformat(),
            "currency_code": order.currency,
        }
        if self._settings.source_id_field:
            payload[self._settings.source_id_field] = order.source_id
        payload |= self._address("cust", order.billing, order.customer.email)
        if group.address is not None:
            payload |= self._address("ship", group.address, group.recipient_email)
        if group.shipping_method:
            payload["ship_code"] = group.shipping_method
        if lines[0].node:  # the same of all (``ShipFromRules``)
            payload[self._settings.ship_from_field] = lines[0].node
        payload |= _texts(order, lines, group) | _payment(order)
        payload |= self._amounts(order, lines)
        has_line_tax = self._has_line_tax(order, lines)
        payload["items"] = [
            _item(place, line, with_tax=has_line_tax) for place, line in enumerate(lines, 1)
        ]
        return payload

    def _address(self, kind: str, address: Address, email: str) -> Json:
        state, city = address.subdivision.removeprefix(f"{address.country}-"), address.city
        postcode = address.postcode
        if kind == "ship" and address.line_1:
            # Required by the vendor of every address; not all countries' addresses have them.
            city = city or _place_of(address)
            state, postcode = state or city, postcode or self._no_postcode(address)
        parts = {
            "company": address.company,
            "first_name": address.first_name,
            "last_name": address.last_name,
            "address_1": address.line_1,
            "address_2": address.line_2,
            "city": city,
            "state": state,
            "zip": postcode,
            "country": self._country(address.country),
            "phone": address.phone_e164 or address.phone_raw,
            "e_mail": email or address.email,
        }
        return {f"{kind}_{name}": value for name, value in parts.items() if value}

    def _no_postcode(self, address: Address) -> str:
        """Return what stands for the postal code in a country that has none."""
        has_none = bool(address.country) and not has_postcodes(address.country)
        return self._settings.no_postcode if has_none else ""

    def _country(self, code: str) -> str:
        if self._settings.country_form == "alpha_2" or not code:
            return code
        return _alpha_3(code)

    def _amounts(self, order: Order, lines: list[OrderLine]) -> Json:
        """Return the order's sums by the vendor's formula; what is left of rounding is in them."""
        goods = sum((line.unit_price * line.quantity for line in lines), ZERO)
        charges = [*order.charges, *(charge for line in lines for charge in line.charges)]
        handling = sum((charge.amount for charge in charges), ZERO)
        discounts = sum((discount.amount for discount in order.discounts), ZERO)
        discounts += sum((line.total_discount() for line in lines), ZERO)
        tax = _tax(order, lines)
        total = goods + tax + handling - discounts
        if len(lines) == len(order.lines):
            rounding = order.total - total
            handling, discounts = handling + max(rounding, ZERO), discounts - min(rounding, ZERO)
            total = order.total
        amounts = {
            "sub_total": goods,
            "order_discount": discounts,
            "shipping_handling": handling,
            self._settings.sales_tax_name: tax,
            "grand_total": total,
        }
        result: Json = {name: to_number(amount, name) for name, amount in amounts.items()}
        if order.tax_included and order.total_tax:
            result["extra_fields"] = {"tax_in_prices": to_number(order.total_tax, "total_tax")}
        return result

    def _has_line_tax(self, order: Order, lines: list[OrderLine]) -> bool:
        """Return whether lines may state their taxes: only if these are all of the order's."""
        if not self._settings.send_line_tax:
            return False
        stated = sum((line.total_tax() for line in lines), ZERO)
        return bool(stated) and stated == _tax(order, lines)


@lru_cache(512)
def _alpha_3(code: str) -> str:
    found = pycountry.countries.get(alpha_2=code)
    return str(found.alpha_3) if found is not None else OUTSIDE_ISO.get(code, code)


def _place_of(address: Address) -> str:
    """Return what an address without a city names in its place, if it needs none."""
    if needs_city(address.country, address.subdivision, address.postcode):
        return ""
    if address.subdivision_name_raw:
        return address.subdivision_name_raw
    if address.country == "GB":
        return FORCES_POST
    found = pycountry.countries.get(alpha_2=address.country)
    return "" if found is None else str(found.name)


def _tax(order: Order, lines: list[OrderLine]) -> Decimal:
    """Return what is added as tax: nothing where the prices contain it."""
    if order.tax_included:
        return ZERO
    charges = [*order.charges, *(charge for line in lines for charge in line.charges)]
    taxes = [*(line.total_tax() for line in lines), *(charge.tax for charge in charges)]
    return sum(taxes, ZERO)


def _item(place: int, line: OrderLine, *, with_tax: bool) -> Json:
    field = f"items[{line.line_id}]"
    item: Json = {
        "line_no": place,
        "line_item_id": line.line_id,
        "item": line.sku,
        "quantity": to_count(line.quantity, f"{field}.quantity"),
        "price": to_number(line.unit_price, f"{field}.price"),
        "extended_amount": to_number(line.unit_price * line.quantity, f"{field}.extended_amount"),
    }
    if line.name:
        item["description"] = cut(line.name, LONGEST_TEXT)
    if discount := line.total_discount():
        item["addl_discount"] = to_number(discount, f"{field}.addl_discount")
    if with_tax:
        item["tax"] = to_number(line.total_tax(), f"{field}.tax")
    if texts := [*line.options, *line.texts]:
        item["line_comment"] = cut("; ".join(texts), LONGEST_TEXT)
    return item


def _texts(order: Order, lines: list[OrderLine], group: FulfilmentGroup) -> Json:
    """Return what shoppers have written; notes of the store's staff are not for the warehouse."""
    notes = [note.text for note in order.notes if note.kind != "staff"]
    gifts = [line.gift_message for line in lines if line.gift_message]
    texts = {
        "shipping_instructions": cut("; ".join([*group.texts, *notes]), LONGEST_TEXT),
        "gift_message": cut("; ".join(dict.fromkeys(gifts)), LONGEST_TEXT),
    }
    return {name: text for name, text in texts.items() if text}


def _payment(order: Order) -> Json:
    """Return the largest payment's type and its authorisation; never card data."""
    if not order.payments:
        return {}
    payment = max(order.payments, key=lambda each: each.amount)
    result: Json = {"pay_type": payment.method or payment.source_method}
    held = [t for t in payment.transactions if t.kind == "authorization" and t.succeeded]
    if held:
        result["pre_auth_code"] = held[-1].reference
        result["pre_auth_amt"] = to_number(held[-1].amount, "pre_auth_amt")
    return result
