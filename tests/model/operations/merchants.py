"""What the staff of a BigCommerce store does: move statuses, ship by hand, change levels."""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.system import Request
from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.operations.registry import NUMBER, PLACE, UNITS, among, at
from tests.model.operations.shoppers import SKU, set_status
from tests.model.world import STORE, ControlError

operation = at("bigcommerce")
JSON = "application/json"


@operation("merchant", 2, number=NUMBER, status=among(9, 3, 10, 2, 8))
def move_status(life: Life, number: int, status: int) -> None:
    """Move an order to a status of fulfilment by hand."""
    set_status(life, number, status)


@operation("merchant", 2, number=NUMBER, status=among(12, 13))
def suspect(life: Life, number: int, status: int) -> None:
    """Put an order into a status that says something else than fulfilment."""
    set_status(life, number, status)


@operation("merchant", 1, number=NUMBER)
def reopen(life: Life, number: int) -> None:
    """Set an order to Awaiting Fulfillment (again)."""
    life.document(number)
    life.open_again(number)
    set_status(life, number, 11, is_opened=True)


@operation("merchant", 1, number=NUMBER, place=PLACE, units=UNITS)
def ship_by_hand(life: Life, number: int, place: int, units: int) -> None:
    """Create a shipment in the store."""
    line = life.line(number, place)
    shown = line["quantity_shipped"]
    address = life.document(number)["shipping_addresses"][0]["id"]
    body = {
        "order_address_id": address,
        "tracking_number": f"HAND-{number}-{place}",
        "items": [{"order_product_id": line["id"], "quantity": units}],
    }
    answer = call(life, "POST", f"v2/orders/{number}/shipments", body)
    if answer is None:
        raise NotPossibleError
    life.facts.by_hand[number, line["id"]] += units
    life.facts.shown_by_hand[number, line["id"]] = shown + units
    life.facts.decided[number] = life.document(number)["order"]["status_id"]


@operation("merchant", 1, number=NUMBER)
def archive(life: Life, number: int) -> None:
    """Archive an order."""
    document = life.document(number)
    if document["order"]["is_deleted"]:
        raise NotPossibleError
    document["order"]["is_deleted"] = True
    life.world.store.keep(document)


@operation("merchant", 1, number=NUMBER)
def unarchive(life: Life, number: int) -> None:
    """Take an archived order back."""
    document = life.document(number)
    if not document["order"]["is_deleted"]:
        raise NotPossibleError
    document["order"]["is_deleted"] = False
    life.world.store.keep(document)


@operation("merchant", 1, number=NUMBER)
def annotate(life: Life, number: int) -> None:
    """Write a note for the staff, which fulfilment does not need."""
    life.document(number)
    life.world.to_store(f"orders/{number}", {"staff_notes": "called"}, "PATCH")


@operation("merchant", 1, sku=SKU, quantity=among(0, 5, 77))
def set_level(life: Life, sku: str, quantity: int) -> None:
    """Set a level in the store by hand; it has none of a product that isn't tracked."""
    try:
        life.world.to_store("stock", [{"sku": sku, "location_id": 1, "quantity": quantity}])
    except ControlError:
        raise NotPossibleError from None


@operation("merchant", 1, place=among(0, 1, 2), tracked=among(True, False))
def track_stock(life: Life, place: int, tracked: bool) -> None:
    """Track the stock of a product, or stop doing so."""
    tracking = "product" if tracked else "none"
    _change_product(life, documents.PRODUCTS[place], inventory_tracking=tracking)


@operation("merchant", 1)
def sell_case(life: Life) -> None:
    """Track a product that was not tracked before."""
    case = next(p for p in documents.PRODUCTS if p["sku"] == documents.UNTRACKED)
    _change_product(life, case, inventory_tracking="product")


@operation("merchant", 0.5, sku=among("TENT", "TENT-XL"))
def rename_item(life: Life, sku: str) -> None:
    """Give a product another SKU."""
    product = next(p for p in documents.PRODUCTS if p["id"] == 203)
    _change_product(life, product, sku=sku)


def _change_product(life: Life, product: dict[str, Any], **changes: str) -> None:
    """Change a product, and leave what Lockstep may have set as it is."""
    present = life.world.store.catalog.products[product["id"]]
    kept = {name: present[name] for name in ("price", "sale_price", "name", "images")}
    life.world.to_store("catalog", [product | kept | changes])


@operation("merchant", 1, deducted=among(True, False))
def deduct_at_order(life: Life, deducted: bool) -> None:
    """Let the store take stock off at the order, or not."""
    life.world.to_store("settings", {"deduct_stock_on_order": deducted})


def call(life: Life, method: str, path: str, body: Any) -> Any:
    """Call the store's API as its staff's own tools do; ``None`` if it refuses."""
    headers = {"x-auth-token": life.world.store.token, "content-type": JSON}
    request = Request(method, f"/stores/{STORE}/{path}", {}, headers, orjson.dumps(body))
    answer = life.world.store.handle(request)
    return orjson.loads(answer.body) if answer.status < 300 else None
