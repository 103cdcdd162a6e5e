"""Stock, locations and catalog of the simulated BigCommerce store."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.simulated_store import Json, Store, an_order


def _catalog(store: Store) -> None:
    products = [
        {"id": 113, "sku": "P", "inventory_tracking": "product"},
        {
            "id": 114,
            "sku": "V",
            "inventory_tracking": "variant",
            "variants": [{"id": 21, "sku": "V-S"}, {"id": 22, "sku": "V-L"}],
        },
        {"id": 115, "sku": "N", "inventory_tracking": "none"},
    ]
    assert store.control.post("/catalog", json=products).json() == {"ids": [113, 114, 115]}


def _absolute(store: Store, *items: Json) -> httpx.Response:
    return store.api.put(
        "/v3/inventory/adjustments/absolute", json={"reason": "test", "items": list(items)}
    )


def test_levels_are_set_by_the_item_s_tracking_mode(store: Store) -> None:
    """By product id or SKU, or by the variant's; sellable is on hand less safety stock."""
    _catalog(store)
    items = [
        {"location_id": 1, "product_id": 113, "quantity": 5},
        {"location_id": 1, "sku": "V-L", "quantity": 9},
    ]
    assert "transaction_id" in _absolute(store, *items).json()
    settings = {"settings": [{"identity": {"variant_id": 22}, "safety_stock": 2}]}
    assert store.api.put("/v3/inventory/locations/1/items", json=settings).status_code == 200
    data = store.api.get("/v3/inventory/items", params={"sku:in": "P,V-L"}).json()["data"]
    assert [entry["locations"][0]["available_to_sell"] for entry in data] == [5, 7]
    assert [entry["locations"][0]["total_inventory_onhand"] for entry in data] == [5, 9]
    assert {
        line["sku"]: (line["quantity"], line["writes"]) for line in store.lines("dump/inventory")
    } == {"P": (5, 1), "V-L": (9, 1)}


@pytest.mark.parametrize(
    ("item", "title"),
    [
        ({"variant_id": 1}, "is tracked by product, please update stock by product id"),
        ({"product_id": 114}, "is tracked by variant, please update stock by variant id"),
        ({"sku": "N"}, "is not tracked"),
        ({"sku": "no-such"}, "no-such"),
    ],
)
def test_one_bad_item_refuses_the_whole_batch(store: Store, item: Json, title: str) -> None:
    """The error names the item and nothing is applied."""
    _catalog(store)
    answer = _absolute(
        store,
        {"location_id": 1, "sku": "P", "quantity": 1},
        {"location_id": 1, "quantity": 1} | item,
    )
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert title in answer.json()["title"]
    assert store.lines("dump/inventory") == []


def test_a_relative_adjustment_needs_an_absolute_one_before(store: Store) -> None:
    """The vendor's message; later adjustments add up and stop at the safety stock."""
    _catalog(store)
    body = {"items": [{"location_id": 1, "product_id": 113, "quantity": -2}]}
    answer = store.api.post("/v3/inventory/adjustments/relative", json=body)
    assert (
        answer.json()["title"]
        == "Items with identity: [product_id 113] requires absolute adjustment before relative"
    )
    _absolute(store, {"location_id": 1, "sku": "P", "quantity": 5})
    assert [
        store.api.post("/v3/inventory/adjustments/relative", json=body).status_code
        for _ in range(3)
    ] == [200, 200, 422]
    assert store.lines("dump/inventory")[0]["quantity"] == 1


def test_too_many_items_are_413(store: Store) -> None:
    """2000 items a call."""
    _catalog(store)
    assert (
        _absolute(store, *[{"location_id": 1, "sku": "P", "quantity": 1}] * 2000).status_code == 200
    )
    assert (
        _absolute(store, *[{"location_id": 1, "sku": "P", "quantity": 1}] * 2001).status_code == 413
    )
    assert _absolute(store, {"location_id": 9, "sku": "P", "quantity": 1}).status_code == 422
    assert _absolute(store, {"location_id": 1, "sku": "P", "quantity": -1}).status_code == 422


def test_an_adjustment_can_take_effect_later(store: Store) -> None:
    """Reads right after a write may show the old number."""
    _catalog(store)
    store.control.post("/settings", json={"inventory_delay_ms": 60_000})
    _absolute(store, {"location_id": 1, "sku": "P", "quantity": 5})
    assert store.lines("dump/inventory") == []
    store.control.post("/settings", json={"clock_offset_s": 61})
    assert store.lines("dump/inventory")[0]["quantity"] == 5


def test_an_order_can_lower_the_stock(store: Store) -> None:
    """``deduct_stock_on_order`` lowers the default location, but not for abandoned orders."""
    _catalog(store)
    store.control.post("/stock", json=[{"sku": "P", "location_id": 1, "quantity": 10}])
    store.control.post("/settings", json={"deduct_stock_on_order": True})
    store.place(
        an_order(products=[{"sku": "P", "quantity": 3}]),
        an_order(products=[{"sku": "P", "quantity": 3}], status_id=0),
    )
    [level] = store.lines("dump/inventory")
    assert (level["quantity"], level["writes"]) == (7, 0)


def test_the_catalog_names_tracking_modes_and_can_change_them(store: Store) -> None:
    """Products come with variants and in pages."""
    _catalog(store)
    answer = store.api.get(
        "/v3/catalog/products",
        params={"include": "variants", "include_fields": "sku,inventory_tracking", "limit": 2},
    ).json()
    assert [product["inventory_tracking"] for product in answer["data"]] == ["product", "variant"]
    assert [variant["sku"] for variant in answer["data"][1]["variants"]] == ["V-S", "V-L"]
    assert answer["meta"]["pagination"]["total_pages"] == 2
    assert (
        store.api.put(
            "/v3/catalog/products/115", json={"inventory_tracking": "product"}
        ).status_code
        == 200
    )
    assert _absolute(store, {"location_id": 1, "sku": "N", "quantity": 1}).status_code == 200
    assert store.api.get("/v3/catalog/products", params={"limit": 251}).status_code == 413


def test_a_catalog_loaded_again_keeps_its_ids_and_stock(store: Store) -> None:
    """Seeding twice keeps each item's stock; a SKU of another product is refused."""
    product = {"sku": "T", "variants": [{"sku": "T-S"}, {"sku": "T-L"}]}
    [number] = store.control.post("/catalog", json=[product]).json()["ids"]
    _absolute(store, {"location_id": 1, "sku": "T-L", "quantity": 4})
    assert store.control.post("/catalog", json=[product]).json()["ids"] == [number]
    data = store.api.get("/v3/inventory/items", params={"sku:in": "T-L"}).json()["data"]
    assert data[0]["locations"][0]["available_to_sell"] == 4
    assert (
        store.control.post(
            "/catalog", json=[{"sku": "U", "variants": [{"sku": "T-S"}]}]
        ).status_code
        == 400
    )


def test_locations_are_listed_with_the_default_one(store: Store) -> None:
    """Location 1 always exists, and the lowest id is the default."""
    store.control.post("/locations", json=[{"code": "EAST", "label": "East"}])
    assert [place["code"] for place in store.api.get("/v3/inventory/locations").json()["data"]] == [
        "BCLOC",
        "EAST",
    ]
    default = store.api.get("/v3/inventory/locations", params={"is_default": "true"}).json()["data"]
    assert [place["id"] for place in default] == [1]


NEW = {"name": "New", "type": "physical", "weight": 1, "price": 2.5}
SIZES = [
    {"sku": f"N-{size}", "option_values": [{"option_display_name": "Size", "label": size}]}
    for size in "SL"
]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"sku": "NEW-1"}, 200),
        ({"variants": SIZES}, 200),
        ({"sku": "p"}, 409),
        ({"variants": [SIZES[0], SIZES[1] | {"sku": "v-l"}]}, 409),
        ({"variants": [SIZES[0], SIZES[0]]}, 422),
        ({"variants": [SIZES[0], SIZES[1] | {"option_values": SIZES[0]["option_values"]}]}, 422),
        ({"variants": [{"sku": "N-S"}]}, 422),
        ({"variants": [{"option_values": SIZES[0]["option_values"]}]}, 422),
        ({"variants": [SIZES[0] | {"id": 7}]}, 422),
        ({"variants": [SIZES[0] | {"price": -1}]}, 422),
        ({"variants": {}}, 422),
        ({"price": "2.50"}, 422),
        ({"weight": -1}, 422),
        ({"name": ""}, 422),
        ({"name": "VARIANTS"}, 409),
        ({"type": "other"}, 422),
        ({"images": [{"image_url": "https://a.example/" + "x" * 255}]}, 422),
        ({"id": 7}, 422),
    ],
)
def test_a_product_is_created_with_what_the_store_requires(
    store: Store, change: Json, status: int
) -> None:
    """Names and SKUs are unique in any case; a refused one leaves nothing."""
    _catalog(store)
    named = store.control.post("/catalog", json=[{"sku": "V2", "name": "Variants"}])
    assert named.is_success
    before = store.control.get("/products").json()
    answer = store.api.post("/v3/catalog/products", json=NEW | change)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert store.control.get("/products").json() == before
        return
    again = store.api.post("/v3/catalog/products", json=NEW | change | {"name": "Other"})
    assert again.status_code == 409
    for name in NEW:
        lacking = {key: value for key, value in NEW.items() if key != name}
        assert store.api.post("/v3/catalog/products", json=lacking).status_code == 422
