"""An order as the body of ``save`` (oms.md, section 1.4). Pure.

Every entry of a list has an id derived from the store's own, so that a replay updates the same
entries and adds none. What the OMS adds up (quantity times unit price, charges, taxes) equals the
order's total to the cent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from domain.addressing.addresses import Address
from domain.errors import Problem, RecordRejected
from domain.parsing.json_numbers import to_count, to_number
from domain.records.orders import (
    ChargeKind,
    DeliveryMethod,
    FulfilmentGroup,
    LineKind,
    Order,
    OrderLine,
    Payment,
    PaymentTransaction,
)
from resources.oms.manhattan.addresses import to_address
from resources.oms.manhattan.orders.charges import (
    ChargeMapper,
    Json,
    unique,
)
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.statuses import HOLD_ACTIVE

SAFE_ID = re.compile(r"[A-Za-z0-9._~-]+")
"""Unreserved characters of a URL.

The OMS imports an order whose id has others, but later screens fail on it.
"""


class OrderMapper:
    """Maps orders by one tenant's settings.

    Equal parts of a payload may be one object, so a payload must not be changed in place.
    """

    def __init__(self, settings: ManhattanSettings) -> None:
        codes, names = settings.codes, settings.names
        self._codes, self._names = codes, names
        self._charges = ChargeMapper(codes)
        customer = codes.note_types["customer"]
        self._note_types = {"line": customer, "form": customer, **codes.note_types}
        actions = {"IsAlreadyPriced": True, "IsAlreadyCharged": True, "IsAlreadyTaxed": True}
        if names.import_flag:
            actions[names.import_flag] = True
        self._constants: Json = {
            "OrgId": settings.organization,
            "DocType": {"DocTypeId": codes.doc_type},
            "OrderType": {"OrderTypeId": codes.order_type},
            "IsConfirmed": True,
            "OrderActions": actions,
        }
        self._methods = {
            method: {"DeliveryMethodId": code} for method, code in codes.delivery_methods.items()
        }

    def payload(self, order: Order) -> Json:
        """Return the body of ``save``.

        Raises ``RecordRejected`` for an id with URL-special characters or an inexact number.
        """
        _check_id(order.order_id)
        included = order.tax_included
        payload = self._header(order)
        if order.hold is not None or order.agent_holds:
            holds = dict.fromkeys([*([order.hold] if order.hold else []), *order.agent_holds])
            payload["OrderHold"] = [{"HoldTypeId": hold, "StatusId": HOLD_ACTIVE} for hold in holds]
        charges = self._charges.charges(order.charges, order.discounts, tax_included=included)
        if charges:
            payload["OrderChargeDetail"] = unique(charges, "ChargeDetailId")
        if taxes := self._charges.charge_taxes(order.charges, tax_included=included):
            payload["OrderTaxDetail"] = taxes
        if notes := self._notes(order):
            payload["OrderNote"] = notes
        deliveries = {group.group_id: self._delivery(group) for group in order.groups}
        payload["OrderLine"] = [
            self._line(line, deliveries[line.group_id], included) for line in order.lines
        ]
        if order.payments:
            payload["Payment"] = [self._payment(order)]
        if self._names.extended:
            payload["Extended"] = {
                name: value
                for name, source in self._names.extended.items()
                if (value := getattr(order, source))
            }
        return payload

    def _header(self, order: Order) -> Json:
        customer = order.customer
        header: Json = {
            "OrderId": order.order_id,
            "AlternateOrderId": order.source_id,
            **self._constants,
            "CapturedDate": order.ordered_at.isoformat(),
            "CurrencyCode": order.currency,
            "CustomerFirstName": customer.first_name,
            "CustomerLastName": customer.last_name,
            "SellingChannel": {"SellingChannelId": order.channel},
        }
        if customer.email:
            header["CustomerEmail"] = customer.email
        if customer.customer_id is not None:
            header["CustomerId"] = customer.customer_id
        if customer.phone_e164:
            header["CustomerPhone"] = customer.phone_e164
        if order.locale:
            header["OrderLocale"] = order.locale
        return header

    def _line(self, line: OrderLine, delivery: Mapping[str, object], included: bool) -> Json:
        field = f"OrderLine[{line.line_id}]"
        price = to_number(line.unit_price, f"{field}.UnitPrice")
        is_wrapped = any(charge.kind is ChargeKind.GIFT_WRAP for charge in line.charges)
        result: Json = {
            "OrderLineId": line.line_id,
            "ItemId": line.sku,
            "Quantity": to_count(line.quantity, f"{field}.Quantity"),
            "UOM": line.uom,
            "UnitPrice": price,
            "OriginalUnitPrice": price,
            "IsTaxIncluded": included,
            "IsGift": is_wrapped or bool(line.gift_message),
            "IsGiftCard": line.kind is LineKind.GIFT_CERTIFICATE,
            **delivery,
        }
        if line.node and "OrderLinePromisingInfo" not in result:  # not an agent's choice
            result["OrderLinePromisingInfo"] = {"ShipFromLocationId": line.node}
        if details := self._charges.line_charges(line, tax_included=included):
            result["OrderLineChargeDetail"] = details
        if taxes := self._charges.line_taxes(line, tax_included=included):
            result["OrderLineTaxDetail"] = taxes
        return result

    def _delivery(self, group: FulfilmentGroup) -> Json:
        """Return what all lines of a group have in common."""
        result: Json = {"DeliveryMethod": self._methods[group.method]}
        if group.method is DeliveryMethod.PICKUP:
            result["ShipToLocationId"] = group.location
        if group.shipping_method:
            result["ShippingMethodId"] = group.shipping_method
        if group.address is not None:
            address = self._address(group.address, group.recipient_email)
            result["ShipToAddress"] = {"Address": address}
        elif group.recipient_email:
            result["ShipToAddress"] = {"Address": {"Email": group.recipient_email}}
        if group.node:  # UNVERIFIED as a way to re-allocate (oms.md, section 1.3)
            result["OrderLinePromisingInfo"] = {"ShipFromLocationId": group.node}
        return result

    def _address(self, address: Address, email: str = "") -> Json:
        return to_address(address, self._names.company, email)

    def _notes(self, order: Order) -> list[Json]:
        kinds = self._note_types
        notes = [
            _note(f"{note.kind}-{number}", kinds[note.kind], note.text)
            for number, note in enumerate(order.notes, 1)
        ]
        if order.purchase_order and "purchase_order" not in self._names.extended.values():
            text = f"Purchase order: {order.purchase_order}"
            notes.append(_note("purchase-order", kinds["form"], text))
        notes += [
            _note(f"gift-{line.line_id}", kinds["gift"], line.gift_message)
            for line in order.lines
            if line.gift_message
        ]
        # Lines and addresses have no notes of their own, so each text names what it is about.
        for line in order.lines:
            if line.texts:
                about = f"{line.sku} (line {line.line_id})"
                notes += _notes_about("line", line.line_id, about, kinds["line"], line.texts)
        for group in order.groups:
            if group.texts:
                about = f"Delivery {group.group_id}"
                notes += _notes_about("form", group.group_id, about, kinds["form"], group.texts)
        return notes

    def _payment(self, order: Order) -> Json:
        billing: Json = {"Address": self._address(order.billing)}
        methods = [
            self._payment_method(payment, order.currency, billing) for payment in order.payments
        ]
        result: Json = {
            "PaymentId": order.order_id,
            "PaymentMethod": unique(methods, "PaymentMethodId"),
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
            "BillingAddress": billing,
        }
        if payment.gateway:
            result["GatewayId"] = payment.gateway
        if payment.transactions:
            result["PaymentTransaction"] = unique(
                [self._transaction(each) for each in payment.transactions], "PaymentTransactionId"
            )
        return result

    def _transaction(self, transaction: PaymentTransaction) -> Json:
        identity = transaction.transaction_id
        amount = to_number(transaction.amount, f"PaymentTransaction[{identity}].RequestedAmount")
        response = "Success" if transaction.succeeded else self._codes.transaction_failed
        result: Json = {
            "PaymentTransactionId": identity,
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


def _check_id(order_id: str) -> None:
    """Raise ``RecordRejected`` for an order id with URL-special characters."""
    if not SAFE_ID.fullmatch(order_id):
        text = "The id contains characters with a special meaning in URLs."
        advice = (
            "Choose an order_id_prefix of letters, digits, - and _; "
            "the number itself must be free of # + ? / and the like."
        )
        raise RecordRejected(Problem("order_id_unsafe", "OrderId", text, advice, order_id))


def _note(identity: str, kind: str, text: str) -> Json:
    return {"NoteId": identity, "NoteType": {"NoteTypeId": kind}, "NoteText": text}


def _notes_about(stem: str, key: str, about: str, kind: str, texts: Sequence[str]) -> list[Json]:
    return [
        _note(f"{stem}-{key}-{number}", kind, f"{about}: {text}")
        for number, text in enumerate(texts, 1)
    ]
