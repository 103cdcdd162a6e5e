"""Payments: read, and their transactions added and moved under optimistic concurrency.

Source: raml/types/payment. A transaction moves no money: the integration of a payment
service acts on it and sets its state, which the control call ``payments/settle`` does here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.platforms.commercetools.deliveries import add_return
from sandbox.platforms.commercetools.documents import new_id
from sandbox.platforms.commercetools.money import cents, money
from sandbox.platforms.commercetools.replies import (
    conflict,
    invalid_input,
    invalid_operation,
)
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.commercetools.project import Project

Json = dict[str, Any]
TYPES = ("Authorization", "CancelAuthorization", "Charge", "Refund", "Chargeback")
STATES = ("Initial", "Pending", "Success", "Failure")
OPEN = STATES[:2]


class Payments:
    """Answers the calls about payments."""

    def __init__(self, project: Project) -> None:
        self._project, self._table = project, project.payments

    def handle(self, request: Request, parts: list[str]) -> Response:
        """Answer ``/payments`` and below; ``parts`` follow ``payments``."""
        return self._project.resource(request, self._table, parts, update=self._update)

    def _update(self, payment: Json, body: Json) -> Json:
        version, actions = body.get("version"), body.get("actions")
        if type(version) is not int or not isinstance(actions, list):
            raise invalid_input("Request body does not contain valid JSON: version, actions")
        if version != payment["version"]:
            raise conflict(payment["version"])
        changed = copy.deepcopy(payment)
        messages = [message for action in actions for message in _act(changed, action)]
        if changed == payment:
            return payment
        for message in messages:
            self._project.count(message["type"])
        return self._project.keep(self._table, changed, messages)


def _act(payment: Json, action: Json) -> Iterator[Json]:
    kind = action.get("action") if isinstance(action, dict) else None
    if kind == "addTransaction":
        made = _transaction(payment, action["transaction"])
        payment["transactions"].append(made)
        yield {"type": "PaymentTransactionAdded", "transaction": made}
    elif kind == "changeTransactionState":
        found = _found(payment, action)
        if action.get("state") not in STATES:
            raise invalid_input("Request body does not contain valid JSON: state")
        found["state"] = action["state"]
        more = {"transactionId": found["id"], "state": found["state"]}
        yield {"type": "PaymentTransactionStateChanged", **more}
    elif kind == "changeTransactionInteractionId":
        _found(payment, action)["interactionId"] = str(action["interactionId"])
    else:
        raise invalid_input(f"Request body does not contain valid JSON: action {kind!r}")


def _transaction(payment: Json, draft: Json) -> Json:
    kind, state, amount = draft["type"], draft.get("state", "Initial"), draft["amount"]
    if kind not in TYPES or state not in STATES:
        raise invalid_input("Request body does not contain valid JSON: transaction.type, state")
    currency = payment["amountPlanned"]["currencyCode"]
    if type(amount["centAmount"]) is not int or amount["currencyCode"] != currency:
        # UNVERIFIED: that a transaction has the currency of its payment.
        raise invalid_operation("The transaction has another currency than the payment.")
    made: Json = {
        "id": new_id(),
        "type": kind,
        "state": state,
        "amount": cents(amount["centAmount"], currency),
    }
    return made | {n: draft[n] for n in ("interactionId", "timestamp", "interfaceId") if n in draft}


def _found(payment: Json, action: Json) -> Json:
    for transaction in payment["transactions"]:
        if transaction["id"] == action.get("transactionId"):
            found: Json = transaction
            return found
    raise invalid_operation("The Payment has no such Transaction.")


def settle(project: Project, state: str, *, renamed: bool) -> Json:
    """Decide all open refunds, as a payment service's integration does.

    ``renamed`` gives them interaction ids of the service's own.
    """
    if state not in STATES:
        raise ValueError(f"a transaction has one of the states {STATES}")
    settled = 0
    for payment in project.payments:
        found = [t for t in payment["transactions"] if t["type"] == "Refund" and t["state"] in OPEN]
        for transaction in found:
            transaction["state"] = state
            if renamed:
                transaction["interactionId"] = f"psp-{new_id()}"
        if found:
            settled += len(found)
            project.keep(project.payments, payment, [])
    return {"settled": settled}


def refund_by_hand(project: Project, order_id: str, body: Json) -> Json:
    """Refund as a merchant does: a transaction of the first payment, and a return of the lines."""
    order = project.orders.need(order_id)
    if lines := body.get("lines"):
        items = [
            {"lineItemId": line["id"], "quantity": line["quantity"], "shipmentState": "Returned"}
            for line in lines
        ]
        messages = add_return(order, {"items": items}, project.clock.now())
        project.keep(project.orders, order, messages)
    if "amount" not in body:
        return {"order": order_id}
    payment = project.payments.need(order["paymentInfo"]["payments"][0]["id"])
    amount = money(body["amount"], payment["amountPlanned"]["currencyCode"])
    made = {"id": new_id(), "type": "Refund", "state": "Success", "amount": amount}
    payment["transactions"].append(made)
    project.keep(project.payments, payment, [])
    return {"id": made["id"]}


def refunds_of(project: Project, order: Json) -> Any:
    """Return the refunds of an order's payments, neutrally."""
    references = (order.get("paymentInfo") or {}).get("payments", [])
    payments = [project.payments.need(reference["id"]) for reference in references]
    return [
        {
            "id": transaction["id"],
            "order": order["id"],
            "amount": _amount(transaction["amount"]),
            "lines": [],
            "state": transaction["state"],
        }
        for payment in payments
        for transaction in payment["transactions"]
        if transaction["type"] == "Refund"
    ]


def _amount(value: Json) -> str:
    return str(Decimal(value["centAmount"]).scaleb(-int(value["fractionDigits"])))
