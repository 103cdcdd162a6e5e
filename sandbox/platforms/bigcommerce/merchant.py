"""What merchants, shoppers and payment providers do to an order, and the events of it.

The events have the forms of the vendor's documented examples: a transaction's has ``order_id``, a
metafield's ``resource_id``, and neither has the order's ``id``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.platforms.bigcommerce import documents
from sandbox.platforms.bigcommerce.refunds import decline_refunds, make_refund

if TYPE_CHECKING:
    from sandbox.platforms.bigcommerce.store import BigCommerceStore

Json = dict[str, Any]

PAYMENT_STATUSES = {
    "authorization": "authorized",
    "capture": "captured",
    "purchase": "captured",
    "void": "void",
}
"""Event of a transaction -> the order's payment status after it."""
METAFIELD_EVENTS = ("created", "updated", "deleted")


class Merchant:
    """Does to the orders of one store what the API of this simulation does not offer."""

    def __init__(self, store: BigCommerceStore) -> None:
        self._store = store

    def act(self, document: Json, name: str, body: Json) -> Json:
        """Do one of transactions, refunds, messages and metafields; return what was made."""
        deeds = {
            "transactions": self._pay,
            "refunds": self._refund,
            "messages": self._write,
            "metafields": self._mark,
        }
        return deeds[name](document, body)

    def _pay(self, document: Json, body: Json) -> Json:
        """Add a transaction, or replace the one with the given id."""
        known = [entry["id"] for entry in document["transactions"]]
        made = documents.complete_transaction(
            body, document["order"], self._store.ids, self._store.now()
        )
        kept = [entry for entry in document["transactions"] if entry["id"] != made["id"]]
        document["transactions"] = [*kept, made]
        if made["event"] in PAYMENT_STATUSES:
            document["order"]["payment_status"] = PAYMENT_STATUSES[made["event"]]
        self._store.keep(document)
        self._store.webhooks.emit(
            f"store/order/transaction/{'updated' if made['id'] in known else 'created'}",
            {
                "type": "transaction",
                "order_id": str(document["order"]["id"]),
                "transaction_id": str(made["id"]),
                "transaction_status": "complete",
                "transaction_type": made["event"],
                "result": {"code": made["event"], "message": "", "type": "success"},
                "provider_transaction_id": made["gateway_transaction_id"],
            },
        )
        return made

    def _refund(self, document: Json, body: Json) -> Json:
        """Refund ``lines``, a list of ``{id, quantity}``, or all that is left of the order."""
        if "declined" in body:
            return decline_refunds(self._store, document, str(body["declined"]))
        known = {line["id"]: line for line in document["products"]}
        chosen = body.get("lines")
        if chosen is None:
            chosen = [
                {"id": line["id"], "quantity": line["quantity"] - line["quantity_refunded"]}
                for line in known.values()
            ]
        items = []
        for entry in chosen:
            line, quantity = known[entry["id"]], int(entry["quantity"])
            if not 0 <= quantity <= line["quantity"] - line["quantity_refunded"]:
                raise ValueError(f"{quantity} of line {line['id']} can't be refunded")
            items += [(line, {"quantity": quantity})] if quantity else []
        return {"id": make_refund(self._store, document, items, [])["id"]}

    def _write(self, document: Json, _: Json) -> Json:
        """Add a message of the shopper or the staff; the order does not change by it."""
        number = self._store.ids.take("message")
        self._emit(document, "message", {"message": {"order_message_id": number}})
        return {"id": number}

    def _mark(self, document: Json, body: Json) -> Json:
        """Create, update or delete a metafield, by ``event``; the order does not change by it."""
        event = body.get("event", "created")
        if event not in METAFIELD_EVENTS:
            raise ValueError(f"a metafield has no event {event!r}")
        number = self._store.ids.take("metafield", body.get("id"))
        about = {"metafield_id": number, "resource_id": str(document["order"]["id"])}
        self._store.webhooks.emit(f"store/order/metafield/{event}", about)
        return {"id": number}

    def _emit(self, document: Json, part: str, more: Json) -> None:
        about = {"type": "order", "id": document["order"]["id"]}
        self._store.webhooks.emit(f"store/order/{part}/created", about | more)
