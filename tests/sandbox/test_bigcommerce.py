"""The simulated BigCommerce store: orders, listing, quota."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from sandbox.platforms.bigcommerce import ratelimit
from tests.sandbox.simulated_store import EXPANDED, START, Store, an_order


def test_a_call_without_the_token_is_refused_in_the_version_s_format(store: Store) -> None:
    """V2 errors are arrays, V3 errors are objects."""
    wrong = {"X-Auth-Token": "wrong"}
    v2, v3 = (
        store.api.get("/v2/orders", headers=wrong),
        store.api.get("/v3/inventory/items", headers=wrong),
    )
    assert (v2.status_code, v2.json()[0]["status"]) == (401, 401)
    assert (v3.status_code, v3.json()["status"]) == (401, 401)


def test_totals_add_up_and_money_has_four_decimals(store: Store) -> None:
    """Missing totals follow from lines and shipping."""
    [number] = store.place(an_order(discount_amount="2.00"))
    order = store.order(number)
    assert (order["subtotal_ex_tax"], order["subtotal_inc_tax"]) == ("26.0000", "28.5000")
    assert (order["total_ex_tax"], order["total_inc_tax"], order["total_tax"]) == (
        "28.0000",
        "30.9000",
        "2.9000",
    )
    assert order["date_created"] == "Tue, 14 Nov 2023 22:13:20 +0000"


def test_an_expanded_order_brings_lines_and_costs_as_numbers(store: Store) -> None:
    """Consignments hold the lines by address, and digital lines separately."""
    [number] = store.place(an_order())
    consignments = store.order(number)["consignments"]
    assert [line["sku"] for line in consignments["shipping"][0]["line_items"]] == ["A", "B"]
    assert consignments["shipping"][0]["cost_inc_tax"] == 4.4
    assert [line["sku"] for line in consignments["downloads"][0]["line_items"]] == ["D"]
    assert "consignments" not in store.api.get(f"/v2/orders/{number}").json()
    linked = store.api.get(
        f"/v2/orders/{number}", params=EXPANDED | {"include": "consignments"}
    ).json()
    assert set(linked["consignments"]["shipping"][0]["line_items"][0]) == {"url", "resource"}


def test_several_addresses_and_a_pickup_become_consignments(store: Store) -> None:
    """A line belongs to the address or pick-up of its index."""
    lines = [
        {"sku": "A", "address_index": 1},
        {"sku": "B"},
        {"sku": "C", "pickup_index": 0},
        {"sku": "G", "type": "giftcertificate"},
    ]
    places = [{"city": "Austin"}, {"city": "Dallas"}]
    [number] = store.place(
        an_order(products=lines, shipping_addresses=places, pickups=[{"pickup_method_id": 3}])
    )
    consignments = store.order(number)["consignments"]
    assert [
        [line["sku"] for line in entry["line_items"]] for entry in consignments["shipping"]
    ] == [["B"], ["A"]]
    assert [line["sku"] for line in consignments["pickups"][0]["line_items"]] == ["C"]
    assert [
        line["sku"] for line in consignments["email"]["gift_certificates"][0]["line_items"]
    ] == ["G"]


def test_an_empty_list_is_204(store: Store) -> None:
    """No orders, no body."""
    answer = store.api.get("/v2/orders")
    assert (answer.status_code, answer.content) == (204, b"")


def test_bounds_are_inclusive_and_dates_may_be_iso_or_rfc_2822(store: Store) -> None:
    """Both forms of the same second select the same orders."""
    store.place(*[an_order(id=200 + n, date_modified=START + n * 60) for n in range(5)])
    assert store.listed(min_id=201, max_id=203) == [201, 202, 203]
    iso, rfc = "2023-11-14T22:14:20Z", "Tue, 14 Nov 2023 22:16:20 +0000"
    assert store.listed(min_date_modified=iso, max_date_modified=rfc) == [201, 202, 203]
    assert store.listed(min_date_modified="2023-11-14T16:14:20-06:00", limit=1) == [201]
    assert store.listed(min_date_modified="Tue, 14 Nov 2023 22:17:21 +0000") == []
    assert store.api.get("/v2/orders", params={"min_date_modified": "yesterday"}).status_code == 400


def test_filters_select_and_unknown_ones_are_ignored(store: Store) -> None:
    """Every filter narrows the list; an unknown one returns everything."""
    store.place(
        an_order(
            id=1,
            channel_id=2,
            status_id=1,
            customer_id=5,
            external_order_id="x",
            payment_method="cash",
            cart_id="c",
        ),
        an_order(
            id=2,
            billing_address={"email": "al@example.com"},
            products=[{"sku": "A", "price_ex_tax": 500}],
        ),
    )
    filters = {
        "channel_id": 2,
        "status_id": 1,
        "customer_id": 5,
        "external_order_id": "x",
        "payment_method": "cash",
        "cart_id": "c",
    }
    for name, value in (filters | {"email": "jo@example.com", "max_total": 100}).items():
        assert store.listed(**{name: value}) == [1], name
    assert store.listed(min_total="100.5") == [2]
    assert store.listed(modified_since="2030-01-01") == [1, 2]


def test_sorting_and_paging_walk_every_order_once(store: Store) -> None:
    """Pages of one selection do not overlap, in either direction, by index or by field."""
    store.place(
        *[
            an_order(id=n, date_modified=START - n, customer_id=n % 3, status_id=11 if n % 2 else 7)
            for n in range(1, 101)
        ]
    )
    for sort, expected in (
        ("id", list(range(1, 101))),
        ("date_modified:asc", list(range(100, 0, -1))),
        ("date_modified:desc", list(range(1, 101))),
        ("customer_id", sorted(range(1, 101), key=lambda n: (n % 3, n))),
    ):
        pages = [store.listed(sort=sort, page=page, limit=30) for page in range(1, 5)]
        assert [number for page in pages for number in page] == expected, sort
        assert [len(page) for page in pages] == [30, 30, 30, 10]
    assert store.listed(status_id=7, sort="id:desc", limit=2, page=2) == [96, 94]
    assert store.listed(page=9) == []


def test_page_sizes_have_limits(store: Store) -> None:
    """50 by default, 250 at most."""
    store.place(*[an_order(id=n) for n in range(1, 61)])
    assert len(store.listed()) == 50
    assert store.api.get("/v2/orders", params={"limit": 251}).status_code == 413
    assert store.api.get("/v2/orders", params={"page": 0}).status_code == 400
    assert store.api.get("/v2/orders", params={"sort": "total"}).status_code == 400


def test_a_list_sees_a_change_made_between_two_pages(store: Store) -> None:
    """A changed order moves to the end of a list by modification: the cache is not stale."""
    store.place(*[an_order(id=n, date_modified=START + n) for n in range(1, 7)])
    assert store.listed(sort="date_modified", limit=2, page=2) == [3, 4]
    store.api.put("/v2/orders/1", json={"staff_notes": "seen"})
    assert store.listed(sort="date_modified", limit=2, page=2) == [4, 5]
    assert store.listed(sort="date_modified", limit=2, page=3) == [6, 1]


def test_counts_are_grouped_by_status(store: Store) -> None:
    """Counts use the same filters as the list."""
    store.place(an_order(id=1), an_order(id=2, status_id=5), an_order(id=3))
    counted = store.api.get("/v2/orders/count", params={"max_id": 2}).json()
    assert counted["count"] == 2
    assert {entry["id"]: entry["count"] for entry in counted["statuses"] if entry["count"]} == {
        11: 1,
        5: 1,
    }


def test_a_spent_quota_answers_429_until_the_window_ends(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All answers carry the four headers; the window refills."""
    store.control.post("/settings", json={"quota": 2, "window_ms": 30_000})
    answers = [store.api.get("/v2/time") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-Rate-Limit-Requests-Left"] for answer in answers] == ["1", "0", "0"]
    wait = int(answers[2].headers["X-Rate-Limit-Time-Reset-Ms"])
    assert 0 < wait <= 30_000
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + wait / 1000)
    monkeypatch.setattr(ratelimit, "time", later)
    assert store.api.get("/v2/time").status_code == 200
    assert store.control.get("/counts").json()["rate_limited"] == 1


def test_the_clock_can_be_moved(store: Store) -> None:
    """The store's time is real time plus the offset."""
    store.control.post("/settings", json={"clock_offset_s": -86400})
    assert abs(store.api.get("/v2/time").json()["time"] - (time.time() - 86400)) < 5
