"""Puts whole orders and customers into an org: each with the records that belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.platforms.salesforce.clock import normalised
from sandbox.platforms.salesforce.schema import OBJECTS

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.org import Org

Json = dict[str, Any]


class Orders:
    """What shoppers and the merchant put into one org."""

    def __init__(self, org: Org) -> None:
        self._org, self._book = org, org.book

    def place(self, rows: list[Json]) -> Json:
        """Place orders; one with a number that is there already is left as it is."""
        ids, existing = [], []
        numbers = {row["OrderNumber"]: row["Id"] for row in self._book.rows("OrderSummary")}
        for given in rows:
            number = given.get("OrderNumber")
            if number in numbers:
                existing.append(numbers[number])
                continue
            made = self._order(given)
            numbers[number] = made
            ids.append(made)
        return {"ids": ids, "existing": existing}

    def _order(self, given: Json) -> str:
        book, moment = self._book, normalised(given["at"]) if given.get("at") else None
        account = (
            given.get("AccountId")
            or book.put("Account", {"Name": given.get("name") or "Guest"})["Id"]
        )
        original = book.put(
            "Order",
            {
                "AccountId": account,
                "Status": "Activated",
                "StatusCode": "Activated",
                "EffectiveDate": given["OrderedDate"][:10],
            },
            at=moment,
        )
        head = {
            name: value for name, value in given.items() if name in OBJECTS["OrderSummary"].fields
        }
        head |= {
            "AccountId": account,
            "OriginalOrderId": original["Id"],
            "OrderedDate": normalised(given["OrderedDate"]),
        }
        head.setdefault("OrderLifeCycleType", "UNMANAGED")
        summary = book.put("OrderSummary", head, at=moment)["Id"]
        groups = [self._group(summary, each, moment) for each in given.get("groups", [])]
        for number, each in enumerate(given.get("items", []), 1):
            self._item(summary, number, each, groups, moment)
        for each in given.get("payments", []):
            self._payment(summary, each, moment)
        return str(summary)

    def _group(self, summary: str, given: Json, moment: str | None) -> str:
        method = self.method(given.get("method", ""))
        values = {
            n: v for n, v in given.items() if n in OBJECTS["OrderDeliveryGroupSummary"].fields
        }
        values |= {"OrderSummaryId": summary, "OrderDeliveryMethodId": method}
        return str(self._book.put("OrderDeliveryGroupSummary", values, at=moment)["Id"])

    def method(self, name: str) -> str | None:
        """Return the id of a delivery method, which is made if it is missing."""
        if not name:
            return None
        for row in self._book.rows("OrderDeliveryMethod"):
            if row["Name"] == name:
                return str(row["Id"])
        return str(self._book.put("OrderDeliveryMethod", {"Name": name, "IsActive": True})["Id"])

    def _item(
        self, summary: str, number: int, given: Json, groups: list[str], moment: str | None
    ) -> None:
        values = {n: v for n, v in given.items() if n in OBJECTS["OrderItemSummary"].fields}
        product = self.product(given["sku"]) if given.get("sku") is not None else None
        quantity = given.get("Quantity", 1.0)
        values |= {
            "OrderSummaryId": summary,
            "Product2Id": product,
            "LineNumber": float(number),
            "TypeCode": "Product" if given.get("Type") == "Order Product" else "Charge",
            "ProductCode": given.get("sku"),
            "QuantityOrdered": quantity,
            "Quantity": quantity,
            "QuantityCanceled": 0.0,
            "QuantityReturned": 0.0,
            "Status": "ORDERED",
            "OrderDeliveryGroupSummaryId": groups[given.get("group", 0)] if groups else None,
        }
        if "ids" in given:
            values["Id"] = given["ids"]
        item = self._book.put("OrderItemSummary", values, at=moment)["Id"]
        for each in given.get("adjustments", []):
            row = each | {"OrderItemSummaryId": item, "OrderSummaryId": summary}
            self._book.put("OrderItemAdjustmentLineSummary", row, at=moment)

    def product(self, sku: str) -> str:
        """Return the id of a product; one that is not in the catalog is made, and not sold."""
        return self._known(sku) or self.sell(sku, sku, is_active=False)

    def _known(self, sku: str) -> str:
        """Return the id of a product that was not taken back, if there is one."""
        known = self._org.products.get(sku, "")
        return known if known and self._book.get("Product2", known) else ""

    def sell(self, sku: str, name: str, *, is_active: bool = True, at: str | None = None) -> str:
        """Put a product into the catalog, or on sale; return its id."""
        values = {
            "StockKeepingUnit": sku,
            "ProductCode": sku,
            "Name": name,
            "IsActive": is_active,
            "ProductClass": "Simple",
        }
        if known := self._known(sku):
            values["Id"] = known
        moment = normalised(at) if at else None
        made: str = self._book.put("Product2", values, at=moment)["Id"]
        self._org.products[sku] = made
        return made

    def _payment(self, summary: str, given: Json, moment: str | None) -> None:
        values = {n: v for n, v in given.items() if n in OBJECTS["OrderPaymentSummary"].fields}
        made = self._book.put(
            "OrderPaymentSummary", values | {"OrderSummaryId": summary}, at=moment
        )
        for kind, name in (("authorizations", "PaymentAuthorization"), ("captures", "Payment")):
            for each in given.get(kind, []):
                row = each | {"OrderPaymentSummaryId": made["Id"]}
                row["EffectiveDate"] = normalised(row["EffectiveDate"])
                row |= {"Type": "Capture"} if name == "Payment" else {}
                self._book.put(name, row, at=moment)

    def customers(self, rows: list[Json]) -> Json:
        """Register customers, or change those whose account's ``Id`` is given."""
        ids = []
        for given in rows:
            moment = normalised(given["at"]) if given.get("at") else None
            account, is_new = given.get("Id"), not given.get("Id")
            name = " ".join(filter(None, (given.get("FirstName"), given.get("LastName"))))
            values = {n: v for n, v in given.items() if n in OBJECTS["Account"].fields}
            values |= {"Name": given.get("company") or name} if name else {}
            account = self._book.put("Account", values, at=moment)["Id"]
            if is_new:
                contact = {n: given.get(n) for n in ("FirstName", "LastName", "Email", "Phone")}
                self._book.put("Contact", contact | {"AccountId": account}, at=moment)
            for n, each in enumerate(given.get("addresses", [])):
                row = {"ParentId": account, "AddressType": "Shipping", "IsDefault": n == 0}
                self._book.put("ContactPointAddress", row | each, at=moment)
            ids.append(account)
        return {"ids": ids}

    def touch(self, name: str, identifier: str, at: str | None) -> Json:
        """Change nothing of a record but its time of change."""
        return self._book.put(name, {"Id": identifier}, at=normalised(at) if at else None)
