"""Changes at the simulated BigCommerce store: shipments, status, amendments, new orders."""

from __future__ import annotations

import pytest

from tests.sandbox.simulated_store import Json, Store, an_order


def test_a_status_change_bumps_the_modification_and_is_logged(store: Store) -> None:
    """Any status may follow any."""
    [number] = store.place(an_order())
    answer = store.api.put(
        f"/v2/orders/{number}", json={"status_id": 10, "external_order_id": "OMS-1"}
    ).json()
    assert (answer["status_id"], answer["status"], answer["external_order_id"]) == (
        10,
        "Completed",
        "OMS-1",
    )
    assert answer["date_modified"] != answer["date_created"]
    [change] = store.lines("effects/status_changes")
    assert (change["order_id"], change["from"], change["to"]) == (number, 11, 10)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"status_id": 99}, "status_id"),
        ({"id": 1}, "id"),
        ({"date_modified": "x"}, "date_modified"),
    ],
)
def test_a_put_of_a_read_only_field_is_refused(store: Store, body: Json, named: str) -> None:
    """The error names the field and the order stays as it was."""
    [number] = store.place(an_order())
    answer = store.api.put(f"/v2/orders/{number}", json=body)
    assert answer.status_code == 400
    assert named in answer.json()[0]["message"]
    assert store.order(number)["status_id"] == 11


def test_an_archived_order_leaves_the_list(store: Store) -> None:
    """DELETE archives; the order stays readable and can be listed as deleted."""
    [number] = store.place(an_order())
    assert store.api.delete(f"/v2/orders/{number}").status_code == 204
    assert store.listed() == []
    assert store.listed(is_deleted="true") == [number]
    assert store.order(number)["is_deleted"] is True


def test_a_partial_and_then_a_full_shipment_move_the_order(store: Store) -> None:
    """Quantities, counters, status, date and log follow each shipment."""
    [number] = store.place(an_order())
    first, second = (
        line["id"] for line in store.order(number)["consignments"]["shipping"][0]["line_items"]
    )
    answer = store.ship(number, {first: 1}, tracking_number="1Z999", shipping_provider="ups")
    assert (answer.status_code, answer.json()["shipping_provider_display_name"]) == (201, "UPS")
    order = store.order(number)
    assert (order["status_id"], order["items_shipped"], order["date_shipped"]) == (3, 1, "")
    assert store.ship(number, {first: 1, second: 1}).status_code == 201
    order = store.order(number)
    assert (order["status_id"], order["items_shipped"]) == (2, 3)
    assert order["date_shipped"] == order["date_modified"]
    assert order["consignments"]["shipping"][0]["items_shipped"] == 3
    assert [effect["tracking_number"] for effect in store.lines("effects/shipments")] == [
        "1Z999",
        "",
    ]
    assert len(store.api.get(f"/v2/orders/{number}/shipments").json()) == 2


def test_a_repeated_shipment_is_made_twice(store: Store) -> None:
    """The store is not idempotent: the client must look before it sends again."""
    [number] = store.place(an_order())
    line = store.order(number)["consignments"]["shipping"][0]["line_items"][0]["id"]
    assert [store.ship(number, {line: 1}, tracking_number="T").status_code for _ in range(3)] == [
        201,
        201,
        400,
    ]


def test_deleting_a_shipment_frees_the_quantity_and_keeps_the_status(store: Store) -> None:
    """The status does not move back."""
    [number] = store.place(an_order())
    line = store.order(number)["consignments"]["shipping"][0]["line_items"][0]["id"]
    shipment = store.ship(number, {line: 2}).json()
    assert (
        store.api.put(
            f"/v2/orders/{number}/shipments/{shipment['id']}", json={"tracking_number": "N"}
        ).json()["tracking_number"]
        == "N"
    )
    assert (
        store.api.put(
            f"/v2/orders/{number}/shipments/{shipment['id']}", json={"items": []}
        ).status_code
        == 400
    )
    assert store.api.delete(f"/v2/orders/{number}/shipments/{shipment['id']}").status_code == 204
    assert (store.order(number)["status_id"], store.order(number)["items_shipped"]) == (3, 0)
    assert store.api.get(f"/v2/orders/{number}/shipments").status_code == 204


def test_shipments_against_the_rules_are_refused_and_change_nothing(store: Store) -> None:
    """Each refusal names what is wrong."""
    lines = [
        {"sku": "A", "quantity": 2},
        {"sku": "D", "type": "digital"},
        {"sku": "E", "address_index": 1},
    ]
    [number] = store.place(
        an_order(products=lines, shipping_addresses=[{"city": "Austin"}, {"city": "Dallas"}])
    )
    by_sku = {
        line["sku"]: line["id"] for line in store.api.get(f"/v2/orders/{number}/products").json()
    }
    address = store.order(number)["consignments"]["shipping"][0]["id"]
    good = {"order_product_id": by_sku["A"], "quantity": 1}
    for body, named in (
        ({"items": [good]}, "order_address_id"),
        ({"order_address_id": address}, "items"),
        ({"order_address_id": 999999, "items": [good]}, "order_address_id"),
        ({"order_address_id": address, "items": [good | {"product_id": 1}]}, "product_id"),
        ({"order_address_id": address, "items": [good | {"order_product_id": 424242}]}, "424242"),
        ({"order_address_id": address, "items": [good | {"quantity": 3}]}, "quantity"),
        ({"order_address_id": address, "items": [good, good, good]}, "quantity"),
        ({"order_address_id": address, "items": [good | {"quantity": 0}]}, "quantity"),
        (
            {
                "order_address_id": address,
                "items": [{"order_product_id": by_sku["D"], "quantity": 1}],
            },
            "digital",
        ),
        (
            {
                "order_address_id": address,
                "items": [{"order_product_id": by_sku["E"], "quantity": 1}],
            },
            "address",
        ),
        (
            {"order_address_id": address, "items": [good], "tracking_number": "9" * 51},
            "tracking_number",
        ),
        (
            {"order_address_id": address, "items": [good], "shipping_provider": "DHL Express"},
            "shipping_provider",
        ),
        ({"order_address_id": address, "items": [good], "id": 7}, "id"),
    ):
        answer = store.api.post(f"/v2/orders/{number}/shipments", json=body)
        assert answer.status_code == 400, body
        assert named in answer.json()[0]["message"], body
    assert store.lines("effects/shipments") == []
    assert store.order(number)["items_shipped"] == 0


def test_the_merchant_can_change_quantities_addresses_and_fields(store: Store) -> None:
    """Totals move with a line's quantity; quantity 0 removes the line."""
    [number] = store.place(an_order())
    order = store.order(number)
    [shipping] = order["consignments"]["shipping"]
    first, second = shipping["line_items"]
    change = {
        "customer_message": "ring twice",
        "products": [{"id": first["id"], "quantity": 3}, {"id": second["id"], "quantity": 0}],
        "shipping_addresses": [{"id": shipping["id"], "city": "Dallas"}],
    }
    assert store.control.patch(f"/orders/{number}", json=change).status_code == 200
    after = store.order(number)
    assert (after["customer_message"], after["items_total"], after["total_inc_tax"]) == (
        "ring twice",
        4,
        "38.4000",
    )
    assert [line["sku"] for line in after["consignments"]["shipping"][0]["line_items"]] == ["A"]
    assert after["consignments"]["shipping"][0]["city"] == "Dallas"
    assert store.control.patch(f"/orders/{number}", json={"nonsense": 1}).status_code == 400


def test_an_order_that_exists_is_not_placed_again(store: Store) -> None:
    """Seeding twice is harmless, and an invalid batch places nothing."""
    assert store.place(an_order(id=7)) == [7]
    answer = store.control.post("/orders", json=[an_order(id=7), an_order(id=8)]).json()
    assert answer == {"ids": [8], "existing": [7]}
    assert (
        store.control.post("/orders", json=[an_order(id=9), an_order(wrong=1)]).status_code == 400
    )
    assert store.control.get("/counts").json()["orders"] == 2


def test_invalid_quantities_are_refused(store: Store) -> None:
    """An invalid document places no order."""
    for line in ({"quantity": 1.5}, {"quantity": "x"}):
        assert (
            store.control.post(
                "/orders", json=[an_order(products=[{"sku": "A"} | line])]
            ).status_code
            == 400
        )
    assert store.control.get("/counts").json()["orders"] == 0


def test_invalid_amounts_and_dates_are_served_unchanged(store: Store) -> None:
    """Imports and plug-ins leave dirt: the order is listed, and its other fields can be changed."""
    dirty = an_order(
        products=[{"sku": "A", "price_ex_tax": "ten", "quantity": 2}],
        date_created="last Tuesday",
        date_modified="?",
    )
    [number] = store.place(dirty)
    [order] = store.api.get(
        "/v2/orders",
        params={"include": "consignments.line_items", "consignment_structure": "object"},
    ).json()
    [line] = order["consignments"]["shipping"][0]["line_items"]
    assert (line["price_ex_tax"], line["total_ex_tax"], order["subtotal_ex_tax"]) == (
        "ten",
        "0.0000",
        "0.0000",
    )
    assert (order["date_created"], order["date_modified"]) == ("last Tuesday", "?")
    since = {"min_date_modified": "2020-01-01T00:00:00Z"}
    assert [entry["id"] for entry in store.api.get("/v2/orders", params=since).json()] == [number]
    assert (
        store.api.put(f"/v2/orders/{number}", json={"status_id": 5}).json()["date_created"]
        == "last Tuesday"
    )


def test_the_store_s_own_api_refuses_dirt(store: Store) -> None:
    """The vendor's API refuses the values that a plug-in may leave."""
    address, line = (
        {"zip": "1"},
        {"name": "Towel", "quantity": 1, "price_ex_tax": "ten", "price_inc_tax": 1},
    )
    assert (
        store.api.post(
            "/v2/orders", json={"products": [line], "billing_address": address}
        ).status_code
        == 400
    )
    dated = {
        "products": [line | {"price_ex_tax": 1}],
        "billing_address": address,
        "date_created": "last Tuesday",
    }
    assert store.api.post("/v2/orders", json=dated).status_code == 400


def test_channels_are_read(store: Store) -> None:
    """Channel 1 always exists; control adds others, and unknown ones are not found."""
    store.control.post(
        "/channels", json=[{"id": 7, "name": "Outlet", "status": "inactive"}]
    ).raise_for_status()
    assert store.api.get("/v3/channels/1").json()["data"]["status"] == "active"
    assert (
        "currencies"
        in store.api.get("/v3/channels/7", params={"include": "currencies"}).json()["data"]
    )
    assert [entry["id"] for entry in store.api.get("/v3/channels").json()["data"]] == [1, 7]
    assert [
        entry["id"]
        for entry in store.api.get("/v3/channels", params={"status:in": "active"}).json()["data"]
    ] == [1]
    assert store.api.get("/v3/channels/9").status_code == 404
    assert store.control.post("/channels", json=[{"status": "open"}]).status_code == 400


def test_transactions_are_listed_or_204(store: Store) -> None:
    """An order without payments has no content."""
    first, second = store.place(
        an_order(transactions=[{"amount": "30.90", "gateway_transaction_id": "ch_1"}]), an_order()
    )
    answer = store.api.get(f"/v3/orders/{first}/transactions").json()
    assert [(entry["amount"], entry["order_id"]) for entry in answer["data"]] == [
        (30.9, str(first))
    ]
    assert store.api.get(f"/v3/orders/{second}/transactions").status_code == 204
    assert store.api.get("/v3/orders/424242/transactions").status_code == 404


def test_an_order_can_be_created_through_the_api_and_twice(store: Store) -> None:
    """Order creation is not idempotent either; the status is Pending unless given."""
    line = {"name": "Towel", "quantity": 2, "price_inc_tax": 11, "price_ex_tax": 10}
    body = {"products": [line], "billing_address": {"zip": "1"}}
    answers = [store.api.post("/v2/orders", json=body).json() for _ in range(2)]
    assert [answer["status_id"] for answer in answers] == [1, 1]
    assert answers[0]["id"] != answers[1]["id"]
    assert answers[0]["total_inc_tax"] == "22.0000"
    assert store.api.post("/v2/orders", json={"products": [line]}).status_code == 400
