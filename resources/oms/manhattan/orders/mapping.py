"""An order in Manhattan's form (oms.md, section 1.4). Pure.

Every entry of a list carries an id derived from the store's own, so that a replay updates what stands there and adds nothing. What the
OMS adds up (quantity times unit price, charges, taxes) equals the order's total to the cent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from domain.addressing.addresses import Address
from domain.errors import Problem, RecordRejected
from domain.records.orders import (
    Charge,
    ChargeKind,
    DeliveryMethod,
    Discount,
    FulfilmentGroup,
    LineKind,
    Order,
    OrderLine,
    Payment,
    PaymentTransaction,
)
from resources.oms.manhattan.amounts import to_count, to_number
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.statuses import HOLD_ACTIVE

Json = dict[str, Any]

SAFE_ID = re.compile(r"[A-Za-z0-9._~-]+")
"""Unreserved characters of a URL: an order whose id holds others is imported, and breaks later screens."""
DISCOUNT, CHARGE, TAX, ROUNDING = "D", "C", "T", "R"
"""First letter of the ids of discounts, charges, taxes and rounding, whose ids at the store may collide."""


class OrderMapper:
    """Maps orders by one tenant's settings."""

    def __init__(self, settings: ManhattanSettings) -> None:
        self._settings, self._names, self._codes = settings, settings.names, settings.codes
        actions = {"IsAlreadyPriced": True, "IsAlreadyCharged": True, "IsAlreadyTaxed": True}
        self._actions = (
            {**actions, self._names.import_flag: True} if self._names.import_flag else actions
        )

    def payload(self, order: Order) -> Json:
        """Return the body of ``save``; raises ``RecordRejected`` for an id with URL-special characters or an inexact number."""
        if not SAFE_ID.fullmatch(order.order_id):
            advice = "Choose an order_id_prefix of letters, digits, - and _; the number itself must be free of # + ? / and the like."
            raise RecordRejected(
                Problem(
                    "order_id_unsafe",
                    "OrderId",
                    "The id holds characters special in URLs.",
                    advice,
                    order.order_id,
                )
            )
        groups = {group.group_id: group for group in order.groups}
        included = order.tax_included
        payload = self._header(order)
        if order.hold is not None:
            payload["OrderHold"] = [{"HoldTypeId": order.hold, "StatusId": HOLD_ACTIVE}]
        if charges := _unique(
            [*self._charges(order.charges, included), *self._discounts(order.discounts)],
            "ChargeDetailId",
        ):
            payload["OrderChargeDetail"] = charges
        if taxes := self._charge_taxes(order.charges, included):
            payload["OrderTaxDetail"] = taxes
        if notes := self._notes(order):
            payload["OrderNote"] = notes
        payload["OrderLine"] = [
            self._line(line, groups[line.group_id], included) for line in order.lines
        ]
        if order.payments:
            payload["Payment"] = [self._payment(order)]
        if self._names.extended:
            payload["Extended"] = {
                name: getattr(order, source) for name, source in self._names.extended.items()
            }
        return payload

    def _header(self, order: Order) -> Json:
        customer = order.customer
        header: Json = {
            "OrderId": order.order_id,
            "AlternateOrderId": order.source_id,
            "OrgId": self._settings.organization,
            "CapturedDate": order.ordered_at.isoformat(),
            "CurrencyCode": order.currency,
            "CustomerFirstName": customer.first_name,
            "CustomerLastName": customer.last_name,
            "CustomerEmail": customer.email,
            "DocType": {"DocTypeId": self._codes.doc_type},
            "OrderType": {"OrderTypeId": self._codes.order_type},
            "SellingChannel": {"SellingChannelId": order.channel},
            "IsConfirmed": True,
            "OrderActions": dict(self._actions),
        }
        if customer.customer_id is not None:
            header["CustomerId"] = customer.customer_id
        if customer.phone_e164:
            header["CustomerPhone"] = customer.phone_e164
        if order.locale:
            header["OrderLocale"] = order.locale
        return header

    def _line(self, line: OrderLine, group: FulfilmentGroup, included: bool) -> Json:
        field = f"OrderLine[{line.line_id}]"
        price = to_number(line.unit_price, f"{field}.UnitPrice")
        wrapped = any(charge.kind is ChargeKind.GIFT_WRAP for charge in line.charges)
        result: Json = {
            "OrderLineId": line.line_id,
            "ItemId": line.sku,
            "Quantity": to_count(line.quantity, f"{field}.Quantity"),
            "UOM": line.uom,
            "UnitPrice": price,
            "OriginalUnitPrice": price,
            "IsTaxIncluded": included,
            "IsGift": wrapped or bool(line.gift_message),
            "IsGiftCard": line.kind is LineKind.GIFT_CERTIFICATE,
            **self._delivery(group),
        }
        details = [*self._charges(line.charges, included), *self._discounts(line.discounts)]
        if rounding := line.line_total - line.unit_price * line.quantity:
            amount = to_number(rounding, f"{field}.ChargeTotal")
            details.append(
                self._detail(
                    f"{ROUNDING}{line.line_id}", self._codes.rounding_type, amount, "Rounding"
                )
            )
        if details:
            result["OrderLineChargeDetail"] = _unique(details, "ChargeDetailId")
        taxes = [
            self._tax(tax.tax_id, tax.name, tax.amount, tax.rate, included) for tax in line.taxes
        ]
        if line.charges:
            taxes += self._charge_taxes(line.charges, included)
        if taxes:
            result["OrderLineTaxDetail"] = _unique(taxes, "TaxDetailId")
        return result

    def _delivery(self, group: FulfilmentGroup) -> Json:
        result: Json = {
            "DeliveryMethod": {"DeliveryMethodId": self._codes.delivery_methods[group.method]}
        }
        if group.method is DeliveryMethod.PICKUP:
            result["ShipToLocationId"] = group.location
        if group.shipping_method:
            result["ShippingMethodId"] = group.shipping_method
        if group.address is not None:
            result["ShipToAddress"] = {
                "Address": self._address(group.address, group.recipient_email)
            }
        elif group.recipient_email:
            result["ShipToAddress"] = {"Address": {"Email": group.recipient_email}}
        return result

    def _address(self, address: Address, email: str = "") -> Json:
        country = address.country
        state = address.subdivision or ""
        result: Json = {
            "FirstName": address.first_name,
            "LastName": address.last_name,
            "Address1": address.line_1,
            "Address2": address.line_2,
            "City": address.city,
            "State": state.removeprefix(f"{country}-"),
            "PostalCode": address.postcode,
            "Country": country,
            "Phone": _phone(address),
            "Email": email or address.email,
        }
        if address.company and self._names.company:
            result[self._names.company] = address.company
        return result

    def _charges(self, charges: Sequence[Charge], included: bool) -> list[Json]:
        result = []
        for charge in charges:
            identity, kind = f"{CHARGE}{charge.charge_id}", self._codes.charge_types[charge.kind]
            amount = to_number(charge.amount, f"ChargeDetail[{charge.charge_id}].ChargeTotal")
            result.append(
                {
                    **self._detail(identity, kind, amount, charge.name or kind),
                    "IsTaxIncluded": included,
                }
            )
        return result

    def _discounts(self, discounts: Sequence[Discount]) -> list[Json]:
        result = []
        for discount in discounts:
            kind = self._codes.discount_type if discount.code else self._codes.promotion_type
            amount = to_number(
                -discount.amount, f"ChargeDetail[{discount.discount_id}].ChargeTotal"
            )
            detail = self._detail(
                f"{DISCOUNT}{discount.discount_id}",
                kind,
                amount,
                discount.name or discount.code or kind,
            )
            if discount.code:
                detail["ChargeReferenceId"] = discount.code
            if self._codes.discount_on:
                detail["DiscountOn"] = {"DiscountOnId": self._codes.discount_on}
            result.append(detail)
        return result

    @staticmethod
    def _detail(identity: str, kind: str, amount: float, name: str) -> Json:
        return {
            "ChargeDetailId": identity,
            "ChargeType": {"ChargeTypeId": kind},
            "ChargeTotal": amount,
            "ChargeDisplayName": name,
        }

    def _charge_taxes(self, charges: Sequence[Charge], included: bool) -> list[Json]:
        return [
            self._tax(f"{CHARGE}{charge.charge_id}", charge.name, charge.tax, None, included)
            for charge in charges
            if charge.tax
        ]

    def _tax(
        self, identity: str, name: str, amount: Decimal, rate: Decimal | None, included: bool
    ) -> Json:
        result: Json = {
            "TaxDetailId": f"{TAX}{identity}",
            "TaxTypeId": self._codes.tax_type,
            "TaxAmount": to_number(amount, f"TaxDetail[{identity}].TaxAmount"),
            "IsInformational": included,  # a tax that the prices contain must not be added again
        }
        if name:
            result["Jurisdiction"] = name
        if rate is not None:
            result["TaxRate"] = to_number(rate, f"TaxDetail[{identity}].TaxRate")
        return result

    def _notes(self, order: Order) -> list[Json]:
        kinds = self._codes.note_types
        notes = [
            (f"{note.kind}-{place}", kinds[note.kind], note.text)
            for place, note in enumerate(order.notes, 1)
        ]
        notes += [
            (f"gift-{line.line_id}", kinds["gift"], line.gift_message)
            for line in order.lines
            if line.gift_message
        ]
        return [
            {"NoteId": identity, "NoteType": {"NoteTypeId": kind}, "NoteText": text}
            for identity, kind, text in notes
        ]

    def _payment(self, order: Order) -> Json:
        billing = self._address(order.billing)
        methods = [
            self._payment_method(payment, order.currency, billing) for payment in order.payments
        ]
        result: Json = {
            "PaymentId": order.order_id,
            "PaymentMethod": _unique(methods, "PaymentMethodId"),
        }
        if self._codes.processing_mode:
            result["ProcessingMode"] = {"ProcessingModeId": self._codes.processing_mode}
        return result

    def _payment_method(self, payment: Payment, currency: str, billing: Json) -> Json:
        result: Json = {
            "PaymentMethodId": payment.payment_id,
            "PaymentType": {"PaymentTypeId": payment.method},
            "Amount": to_number(payment.amount, f"PaymentMethod[{payment.payment_id}].Amount"),
            "CurrencyCode": currency,
            "BillingAddress": {"Address": billing},
        }
        if payment.gateway:
            result["GatewayId"] = payment.gateway
        if payment.transactions:
            result["PaymentTransaction"] = _unique(
                [self._transaction(t) for t in payment.transactions], "PaymentTransactionId"
            )
        return result

    def _transaction(self, transaction: PaymentTransaction) -> Json:
        amount = to_number(
            transaction.amount, f"PaymentTransaction[{transaction.transaction_id}].RequestedAmount"
        )
        response = "Success" if transaction.succeeded else self._codes.transaction_failed
        result: Json = {
            "PaymentTransactionId": transaction.transaction_id,
            "TransactionType": {"PaymentTransactionTypeId": transaction.kind.capitalize()},
            "Status": {"PaymentTransactionStatusId": "Closed"},
            "PaymentResponseStatus": {"PaymentResponseStatusId": response},
            "RequestedAmount": amount,
            "ProcessedAmount": amount if transaction.succeeded else 0.0,
            "RequestId": transaction.reference,
        }
        if transaction.at is not None:
            result["TransactionDate"] = transaction.at.isoformat()
        return result


def _phone(address: Address) -> str:
    if not address.phone_e164:
        return address.phone_raw
    return (
        f"{address.phone_e164} x{address.phone_extension}"
        if address.phone_extension
        else address.phone_e164
    )


def _unique(details: list[Json], key: str) -> list[Json]:
    """Number the entries whose ids the store repeats: the OMS would merge them, and the total would be wrong."""
    if len(details) < 2 or len({detail[key] for detail in details}) == len(details):
        return details
    seen: dict[str, int] = {}
    for detail in details:
        count = seen[detail[key]] = seen.get(detail[key], 0) + 1
        if count > 1:
            detail[key] = f"{detail[key]}.{count}"
    return details
