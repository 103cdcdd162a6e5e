"""Drifts made on purpose in the systems themselves, each with the drift it must be found as."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from random import Random
from typing import Any

from tests.assets import documents
from tests.assets.scene import Json, Scene

Found = tuple[str, str, str]
"""(class, entity, record)."""
EXTRA_SKUS = [f"SKU-{number:02}" for number in range(1, 21)]
FOREIGN = 90_000
"""Added to a number for an order that no store has placed."""


class Saboteur:
    """Damages a scene; ``self.left`` are the orders by state, each damaged once at most."""

    def __init__(self, scene: Scene, seed: int, pools: dict[str, list[int]]) -> None:
        self.scene = scene
        self.dice = Random(seed)
        self.left = {
            name: self.dice.sample(numbers, len(numbers)) for name, numbers in pools.items()
        }
        self.injected: set[Found] = set()
        self.by_kind: dict[str, int] = {}
        self._headers = {"X-Auth-Token": f"sandbox-token-{scene.store}"}
        self._api = f"{scene.url}/bigcommerce/{scene.store}/stores/{scene.store}/v2/orders"
        self._shipments: dict[int, list[Json]] = {}

    def hurt(self, kind: str, pool: str, times: int) -> None:
        """Do one kind of damage to so many orders of a pool."""
        act: Callable[[int], Found] = getattr(self, kind)
        for _ in range(times):
            self.note(kind, act(self.left[pool].pop()))

    def note(self, kind: str, found: Found) -> None:
        """Remember what must be found."""
        assert found not in self.injected
        self.injected.add(found)
        self.by_kind[kind] = self.by_kind.get(kind, 0) + 1

    # -- at the OMS

    def removed_at_oms(self, number: int) -> Found:
        """Delete the order at the OMS."""
        self.scene.to_oms(f"orders/{number}/remove", {})
        return "missing_at_target", "order", str(number)

    def quantity_changed(self, number: int) -> Found:
        """Change a line's units at the OMS."""
        units = self.dice.randint(5, 9)
        line = {
            "OrderLineId": f"{number}01",
            "Quantity": units,
            "QuantityDetail": [{"StatusId": "1000", "Quantity": units}],
        }
        self._tamper(number, {"OrderLine": [line]}, silent=self.dice.random() < 0.5)
        return "differs", "line", f"{number}/{number}01"

    def price_changed(self, number: int) -> Found:
        """Change a line's price at the OMS."""
        price = self.dice.choice((9.99, 10.01, 12.5))
        self._tamper(
            number,
            {"OrderLine": [{"OrderLineId": f"{number}02", "UnitPrice": price}]},
            silent=self.dice.random() < 0.5,
        )
        return "differs", "line", f"{number}/{number}02"

    def line_moved_to_another_item(self, number: int) -> Found:
        """Put another item on a line at the OMS."""
        self._tamper(number, {"OrderLine": [{"OrderLineId": f"{number}02", "ItemId": "TENT"}]})
        return "differs", "line", f"{number}/{number}02"

    def shipping_charge_changed(self, number: int) -> Found:
        """Change what shipping costs at the OMS."""
        charge = self.scene.oms_order(number)["OrderChargeDetail"][0]
        self._tamper(
            number,
            {
                "OrderChargeDetail": [
                    {"ChargeDetailId": charge["ChargeDetailId"], "ChargeTotal": 7.5}
                ]
            },
        )
        return "differs", "order", str(number)

    def address_changed(self, number: int) -> Found:
        """Send the goods somewhere else at the OMS."""
        part = self.dice.choice(
            (
                ("City", "Dallas"),
                ("PostalCode", "75001"),
                ("Address1", "1 Elm Street"),
                ("LastName", "Roe"),
            )
        )
        place = {"ShipToAddress": {"Address": {part[0]: part[1]}}}
        self._tamper(number, {"OrderLine": [{"OrderLineId": f"{number}01", **place}]})
        return "differs", "order", str(number)

    def revived_at_oms(self, number: int) -> Found:
        """Bring a canceled order back to life at the OMS."""
        lines = self.scene.oms_order(number)["OrderLine"]
        units = {
            line["OrderLineId"]: line["OrderLineCancelHistory"][0]["CancelQuantity"]
            for line in lines
        }
        change = [
            {
                "OrderLineId": line_id,
                "Quantity": count,
                "OrderLineCancelHistory": [],
                "QuantityDetail": [{"StatusId": "1000", "Quantity": count}],
            }
            for line_id, count in units.items()
        ]
        self._tamper(number, {"OrderLine": change})
        return "differs", "status", str(number)

    def canceled_at_oms(self, number: int) -> Found:
        """Cancel the order at the OMS without a trace in its time of change."""
        change = [
            {
                "OrderLineId": line["OrderLineId"],
                "Quantity": 0,
                "QuantityDetail": [{"StatusId": "9000", "Quantity": line["Quantity"]}],
                "OrderLineCancelHistory": [
                    {"CancelQuantity": line["Quantity"], "CancelReason": {"ReasonId": None}}
                ],
            }
            for line in self.scene.oms_order(number)["OrderLine"]
        ]
        self._tamper(number, {"OrderLine": change})
        return "differs", "status", str(number)

    def second_order_at_oms(self, number: int) -> Found:
        """Import the order a second time at the OMS, under another id."""
        self.scene.to_oms(f"orders/{number}/copy", {"order_id": f"{number}-2"})
        return "duplicate", "order", f"{number}-2"

    def foreign_order_at_oms(self, number: int) -> Found:
        """Import an order that no store has placed."""
        foreign = str(FOREIGN + number)
        self.scene.to_oms(f"orders/{number}/copy", {"order_id": foreign, "alternate": foreign})
        return "missing_at_source", "order", foreign

    # -- in the store

    def shipment_deleted(self, number: int) -> Found:
        """Delete the shipment in the store."""
        (shipment,) = self._of(number)
        self._call("DELETE", f"{number}/shipments/{shipment['id']}")
        package = self.scene.oms_order(number)["OrderTrackingInfo"][0]["PackageId"]
        return "missing_at_target", "shipment", f"{number}/{package}/{number * 100}"

    def shipment_doubled(self, number: int) -> Found:
        """Show the shipment twice in the store."""
        (shipment,) = self._of(number)
        copy = self.scene.to_store(f"orders/{number}/shipments/{shipment['id']}/copy", None)
        return "duplicate", "shipment", f"{number}/{copy['id']}"

    def tracking_changed(self, number: int) -> Found:
        """Take the tracking number away in the store, or change it."""
        (shipment,) = self._of(number)
        self._call(
            "PUT",
            f"{number}/shipments/{shipment['id']}",
            {"tracking_number": self.dice.choice(("", f"LOST{number}"))},
        )
        return "differs", "shipment", f"{number}/{shipment['id']}"

    def status_moved_back(self, number: int) -> Found:
        """Move the order's status in the store back."""
        self.scene.to_store(f"orders/{number}/status", {"status_id": self.dice.choice((9, 11))})
        return "differs", "status", str(number)

    def shipped_by_hand(self, number: int) -> Found:
        """Ship a unit in the store that the OMS has not sent."""
        body = {
            "order_address_id": number * 100,
            "items": [{"order_product_id": number * 100 + 1, "quantity": 1}],
            "tracking_number": "HAND",
        }
        made = self._call("POST", f"{number}/shipments", body)
        return "missing_at_source", "shipment", f"{number}/{made['id']}"

    def stock_overwritten(self, skus: Iterable[str]) -> None:
        """Set levels that the OMS does not have."""
        for sku in skus:
            self.scene.to_store(
                "stock", [{"sku": sku, "location_id": 1, "quantity": self.dice.randint(1, 90)}]
            )
            self.note("stock_overwritten", ("differs", "stock", f"{sku}@1"))

    # -- what an operator does about what no machine may decide

    def clear_up(self) -> None:
        """Undo the damage that only a person may undo, by the means that a person has."""
        for kind, entity, record in self.injected:
            if (kind, entity) in (("duplicate", "order"), ("missing_at_source", "order")):
                self.scene.to_oms(f"orders/{record}/remove", {})
            elif (kind, entity) in (("duplicate", "shipment"), ("missing_at_source", "shipment")):
                number, _, shipment = record.partition("/")
                self._call("DELETE", f"{number}/shipments/{shipment}")

    def _tamper(self, number: int, change: Json, *, silent: bool = True) -> None:
        self.scene.to_oms(f"orders/{number}/tamper", {"change": change, "silent": silent})

    def _of(self, number: int) -> list[Json]:
        if not self._shipments:
            for row in standing_shipments(self.scene):
                self._shipments.setdefault(row["order_id"], []).append(row)
        return self._shipments[number]

    def _call(self, method: str, path: str, body: Any = None) -> Json:
        answer = self.scene.http.request(
            method, f"{self._api}/{path}", json=body, headers=self._headers
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}


def good_orders(
    numbers: Iterable[int], scene: Scene, moment: datetime | None = None
) -> Iterator[Json]:
    """Yield orders of two lines with units that differ from order to order."""
    for number in numbers:
        yield documents.order(
            number, moment or scene.moment(), [("MUG", 1 + number % 4), ("LAMP", 1 + number % 2)]
        )


def standing_shipments(scene: Scene) -> list[Json]:
    """Return the shipments that the store shows now."""
    return scene._ask(f"bigcommerce/{scene.store}/dump/shipments")
