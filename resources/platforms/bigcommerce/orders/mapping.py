"""Captured order -> canonical order, by the rules of one connection. Pure, and the hot path: about 150 us an order.

The payload is the order's own bytes, or, where more had to be read, ``{"order": ..., "transactions": ..., "products": ...,
"coupons": ...}`` with each part's bytes unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import orjson

from domain.addressing.addresses import Address
from domain.connections import Connection
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.orders import Discount, Order
from domain.text import clean_text, mask_email
from resources.platforms.bigcommerce.orders.builders import ChargeDraft, LineDraft
from resources.platforms.bigcommerce.orders.charges import charges_of
from resources.platforms.bigcommerce.orders.consignments import (
    Consignment,
    GroupMapper,
    consignments_of,
    place_products,
    placed_lines,
)
from resources.platforms.bigcommerce.orders.export_rules import ExportRules
from resources.platforms.bigcommerce.orders.lines import LineMapper
from resources.platforms.bigcommerce.orders.payments import PaymentMapper
from resources.platforms.bigcommerce.orders.totals import (
    check_total,
    settle_discounts,
    settle_taxes,
)
from resources.platforms.bigcommerce.parsing import (
    Findings,
    mapping,
    moment,
    money,
    number_id,
    sequence,
    text,
    without_cards,
)
from resources.platforms.bigcommerce.settings import BigCommerceSettings

CAPTURE_AGAIN = "capture the order again: replay the day of its last change"
NOT_IN_IDS = frozenset("+#?/\\%&;: \t")
"""Characters that a path or query at the OMS would take for something else."""


class OrderMapper:
    """Maps captured orders of one connection."""

    def __init__(self, settings: BigCommerceSettings, connection: Connection) -> None:
        self._policy = connection.orders
        self._holds = {
            str(status): hold for status, hold in connection.orders.hold_statuses.items()
        }
        self._store = settings.store_hash
        self._rules = ExportRules(connection.orders, settings.channel_id)
        self._lines = LineMapper(connection.orders, settings.gift_certificate_sku)
        self._groups = GroupMapper(connection.orders, connection.addresses)
        self._payments = PaymentMapper(connection.orders, settings)

    def to_order(self, payload: bytes, exported: Callable[[str], bool]) -> Mapped[Order] | Skipped:
        """Map one capture; ``exported`` is asked with the store's order id. Raises ``RecordRejected`` with all of its problems."""
        parts = _parts(payload)
        order = parts["order"]
        findings = Findings()
        number = number_id(order, "id", "", findings)
        if number is None:
            raise RecordRejected(
                *findings.problems
                or [
                    Problem(
                        "id_missing", "id", "the order has no id", "look at the order in the store"
                    )
                ]
            )
        decision = self._rules.decide(order, str(number), exported, findings)
        if isinstance(decision, Skipped) and not findings.problems:
            return decision
        try:
            built = self._build(order, parts, number, findings, cancelled=decision is True)
        except msgspec.ValidationError as error:
            # What the canonical models refuse of a value that the store may well write, such as a price of 20 digits.
            raise RecordRejected(*findings.problems or [_invalid(error)]) from None
        if findings.problems or built is None:
            raise RecordRejected(*findings.problems)
        return Mapped(built, tuple(findings.warnings))

    def _build(
        self,
        order: Mapping[str, Any],
        parts: Mapping[str, Any],
        number: int,
        findings: Findings,
        *,
        cancelled: bool,
    ) -> Order | None:
        included = order.get("is_tax_inclusive_pricing")
        if not isinstance(included, bool):
            findings.malformed("is_tax_inclusive_pricing", "true or false", included)
        consignments = consignments_of(order, findings)
        lines = self._to_lines(
            order,
            parts.get("products"),
            consignments,
            "inc" if included is True else "ex",
            findings,
        )
        settled = _settled(
            order,
            parts.get("coupons"),
            consignments,
            lines,
            findings,
            tax_included=included is True,
        )
        currency = _currency(order, findings)
        used = {line.group_id for line in lines}
        billing = mapping(order.get("billing_address"), "billing_address", findings)
        address = self._groups.to_address(billing, "billing_address.", findings).address
        ordered_at = moment(order, "date_created", "", findings, required=True)
        values: dict[str, Any] = {
            "order_id": self._order_id(number, findings),
            "source_id": str(number),
            "number": str(number),
            "store": self._store,
            "channel": self._channel(order, findings),
            "cancelled": cancelled,
            "cancel_reason": self._policy.cancel_reason if cancelled else "",
            "hold": None if cancelled else self._holds.get(str(order.get("status_id"))),
            "ordered_at": ordered_at,
            "currency": currency,
            "tax_included": included is True,
            "locale": text(order, "customer_locale", "", findings),
            "customer": _customer(order, address, findings),
            "billing": address,
            "groups": tuple(
                [self._groups.to_group(c, findings) for c in consignments if c.group_id in used]
            ),
            "lines": tuple([line.finished() for line in lines]),
            "charges": tuple([charge.finished() for charge in settled.charges]),
            "discounts": settled.discounts,
            "payments": self._payments.to_payments(
                order, parts.get("transactions"), settled.total, currency, findings
            ),
            "notes": _notes(order, findings),
            "total": settled.total,
            "total_tax": settled.total_tax,
        }
        return None if findings.problems else msgspec.convert(values, Order)

    def _to_lines(
        self,
        order: Mapping[str, Any],
        products: object,
        consignments: list[Consignment],
        basis: str,
        findings: Findings,
    ) -> list[LineDraft]:
        if products is None:
            placed = list(placed_lines(consignments))
        else:
            placed = list(
                place_products(sequence(products, "products", findings), consignments, findings)
            )
        lines: list[LineDraft] = []
        seen: set[str] = set()
        for raw, place in placed:
            line = self._lines.to_line(raw, place, basis, findings)
            if line is None:
                continue
            if line.line_id in seen:
                findings.reject(
                    "line_id_duplicate",
                    f"{place.where}id",
                    "two lines have this id",
                    "look at the order in the store",
                    line.line_id,
                )
            seen.add(line.line_id)
            lines.append(line)
        links = sum(c.links for c in consignments)
        if products is None and links:
            message = f"{links} lines are only linked to, not included"
            findings.reject("lines_incomplete", "consignments", message, CAPTURE_AGAIN)
        elif (
            products is None
            and placed
            and (missing := _missing_units(order, [raw for raw, _ in placed]))
        ):
            message = (
                f"{missing} of {order['items_total']} units are missing among the included lines"
            )
            findings.reject(
                "lines_incomplete", "items_total", message, CAPTURE_AGAIN, order["items_total"]
            )
        elif not placed and consignments:
            findings.reject(
                "order_without_lines",
                "products",
                "the order has no lines",
                "complete or cancel the order in the store",
            )
        return lines

    def _order_id(self, number: int, findings: Findings) -> str:
        order_id = f"{self._policy.order_id_prefix}{number}"
        if not NOT_IN_IDS.isdisjoint(order_id):
            message = "the order's id at the OMS would hold a character that addresses can't carry"
            findings.reject(
                "order_id_invalid", "id", message, "correct orders.order_id_prefix", order_id
            )
        return order_id

    def _channel(self, order: Mapping[str, Any], findings: Findings) -> str:
        channel = number_id(order, "channel_id", "", findings)
        return self._policy.selling_channels.get(str(channel), self._policy.default_selling_channel)


def _missing_units(order: Mapping[str, Any], raws: list[Mapping[str, Any]]) -> int:
    """Return how many units the order has beyond those of its included lines."""
    wanted = order.get("items_total")
    quantities = [quantity for raw in raws if type(quantity := raw.get("quantity")) is int]
    if type(wanted) is not int or len(quantities) != len(raws):
        return 0
    return max(0, wanted - sum(quantities))


def _parts(payload: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        problem = Problem(
            "payload_malformed",
            "",
            f"the payload isn't JSON: {error.msg}",
            "replay the day of the order's last change",
        )
        raise RecordRejected(problem) from None
    if isinstance(document, dict):
        if "id" in document or "order" not in document:
            return {"order": document}
        if isinstance(document["order"], dict):
            return document
    raise RecordRejected(
        Problem(
            "payload_malformed",
            "",
            "the payload isn't an order",
            "replay the day of the order's last change",
        )
    )


def _currency(order: Mapping[str, Any], findings: Findings) -> str:
    """Return what was paid in: ``default_currency_code``; ``currency_code`` is only what the shopper was shown."""
    currency = text(order, "default_currency_code", "", findings).strip().upper()
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        message = (
            "the transactional currency is missing"
            if not currency
            else "this isn't a currency's code"
        )
        findings.reject(
            "currency_invalid",
            "default_currency_code",
            message,
            "look at the order's currency in the store",
            currency[:10],
        )
    return currency


class _Settled(NamedTuple):
    charges: list[ChargeDraft]
    discounts: tuple[Discount, ...]
    total: Decimal
    total_tax: Decimal


def _settled(
    order: Mapping[str, Any],
    coupons: object,
    consignments: list[Consignment],
    lines: list[LineDraft],
    findings: Findings,
    *,
    tax_included: bool,
) -> _Settled:
    """Return what an order's lines don't hold, made to add up with them."""
    charges = charges_of(order, consignments, lines, "inc" if tax_included else "ex", findings)
    total, total_tax = (
        money(order, key, "", findings, required=True) for key in ("total_inc_tax", "total_tax")
    )
    discounts: tuple[Discount, ...] = ()
    if not findings.problems:  # sums of values that could not be read would only add noise
        discounts = settle_discounts(order, coupons, lines, findings)
        settle_taxes(lines, charges, total_tax, findings)
    if not findings.problems:
        check_total(lines, charges, discounts, total, tax_included=tax_included, findings=findings)
    return _Settled(charges, discounts, total, total_tax)


def _customer(order: Mapping[str, Any], billing: Address, findings: Findings) -> dict[str, Any]:
    customer_id, email = number_id(order, "customer_id", "", findings), billing.email
    if not email:
        message = "the order has no e-mail address"
        findings.reject(
            "email_missing",
            "billing_address.email",
            message,
            "enter the shopper's e-mail address in the store",
        )
    elif "@" not in email:
        message = "this isn't an e-mail address"
        findings.reject(
            "email_invalid",
            "billing_address.email",
            message,
            "correct the e-mail address in the store",
            mask_email(email),
        )
    return {
        "customer_id": str(customer_id) if customer_id else None,
        "email": email,
        "first_name": billing.first_name,
        "last_name": billing.last_name,
        "phone_e164": billing.phone_e164,
    }


def _notes(order: Mapping[str, Any], findings: Findings) -> tuple[dict[str, Any], ...]:
    notes: list[dict[str, Any]] = []
    for kind, key in (("customer", "customer_message"), ("staff", "staff_notes")):
        if not order.get(key):
            continue
        written, cards = without_cards(clean_text(text(order, key, "", findings)))
        if cards:
            findings.warn(
                "card_number_masked",
                key,
                "a payment card's number was masked in the note",
                "remove the number in the store",
            )
        if written:
            notes.append({"kind": kind, "text": written})
    return tuple(notes)


def _invalid(error: msgspec.ValidationError) -> Problem:
    message, _, where = str(error).partition(" - at `$")
    return Problem(
        "invalid_value",
        where.strip(".`"),
        message,
        "look at the order in the store; report it if it looks right there",
    )
