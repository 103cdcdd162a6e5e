"""What both systems of a pair hold, neutrally, with the units of orders that are still wanted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from orchestration.local.simulated import SIMULATED
from tests.model.life import OPEN, Life, is_refunded, is_withdrawn, wanted_of
from tests.model.operations.workflows import DROPPED, ON_HOLD
from tests.model.world import number_of, store_id

Json = dict[str, Any]


@dataclass
class Both:
    """What both systems hold and which rejections are open, by the order's number."""

    life: Life
    store: dict[str, Json]
    oms: dict[str, Json]
    twice: list[str]
    """Numbers that several orders of the OMS have."""
    levels: dict[str, int]
    available: dict[str, int]
    open: defaultdict[tuple[str, str], list[str]]

    def reasons(self, number: str) -> list[str]:
        """Return the codes of the open rejections about an order, in either direction."""
        return self.open["orders", number] + self.open["shipments", number]

    def is_discarded(self, stream: str, number: str) -> bool:
        """Return whether an operator has discarded a rejection of an order."""
        names = {number, self.store[number]["id"]} if number in self.store else {number}
        return any((stream, name) in self.life.facts.discarded for name in names)


def both(life: Life) -> Both:
    """Read both systems and the ledger."""
    world = life.world
    at_store, at_oms = world.ask_store("truth"), world.ask_oms("truth")
    numbers = {order["id"]: order["number"] for order in at_store["orders"]}
    found = Counter(number_of(order["id"]) for order in at_oms["orders"])
    made = Both(
        life,
        {order["number"]: _of_store(life, order) for order in at_store["orders"]},
        {number_of(order["id"]): _of_oms(life, order) for order in at_oms["orders"]},
        [name for name, times in found.items() if times > 1],
        _by_sku(at_store["levels"]),
        _by_sku(at_oms["levels"]),
        defaultdict(list),
    )
    for stream, source_id, code in world.database.rows(OPEN):
        name = source_id if stream == "inventory" else store_id(stream, source_id)
        made.open[stream, numbers.get(name, name)].append(code)
    return made


def _of_store(life: Life, order: Json) -> Json:
    """Return an order of the store with the units that are still wanted."""
    pair = life.world.pair
    if pair.store == "salesforce":
        book = life.world.store.book
        for line in order["lines"]:
            line["quantity"] = int(book.get("OrderItemSummary", line["line"])["Quantity"])
    if pair.store == "commercetools":
        _of_workflow(life, order)
    if pair.store == "bigcommerce":
        document = life.document(int(order["number"]))
        wanted = wanted_of(document)["units"]
        kinds = {"physical"} if SIMULATED[pair.oms].ships_only else {"physical", "digital"}
        goods = {str(line["id"]) for line in document["products"] if line["type"] in kinds}
        order["lines"] = [
            line | {"quantity": wanted.get(line["line"], ("", 0))[1]}
            for line in order["lines"]
            if line["line"] in goods
        ]
        order["canceled"] = is_withdrawn(document) or is_refunded(document)
    return order


def _of_workflow(life: Life, order: Json) -> None:
    """Take off the units that a workflow has canceled before they were shipped; note what waits."""
    states = {state["id"]: state["key"] for state in life.world.store.states}
    document, shipped = life.world.store.orders.need(order["id"]), shipped_by_sku(order)
    keys = {states.get((document.get("state") or {}).get("id", ""))}
    for line, item in zip(order["lines"], document["lineItems"], strict=True):
        units = {states.get(entry["state"]["id"]): entry["quantity"] for entry in item["state"]}
        keys |= {key for key, quantity in units.items() if quantity}
        left = max(0, line["quantity"] - shipped[line["sku"]])
        line["quantity"] -= min(units.get(DROPPED, 0), left)
    if DROPPED in keys and not any(line["quantity"] for line in order["lines"]):
        order["canceled"] = True
    if keys & {*ON_HOLD}:
        order["awaits_fulfilment"] = False


def _of_oms(life: Life, order: Json) -> Json:
    """Return an order of the OMS without the units that are canceled there."""
    if life.world.pair.oms == "manhattan":
        lines = life.world.ask_oms(f"effects/order/{order['id']}")["lines"]
        left = {line["OrderLineId"]: line["Quantity"] for line in lines if not line["canceled"]}
        order["lines"] = [line | {"quantity": left.get(line["line"], 0)} for line in order["lines"]]
    return order


def _by_sku(levels: list[Json]) -> dict[str, int]:
    units: Counter[str] = Counter()
    for level in levels:
        units[level["sku"]] += int(level["available"])
    return dict(units)


def shipped_by_sku(order: Json) -> Counter[str]:
    """Return SKU -> units in parcels."""
    units: Counter[str] = Counter()
    for parcel in order["parcels"]:
        for line in parcel["lines"]:
            units[line["sku"]] += int(line["quantity"])
    return +units
