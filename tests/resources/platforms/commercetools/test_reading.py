"""Reading a project: keyset paging, probes, stores, the catalog, locations and levels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from domain.errors import PermanentError, RecordRejected, TransientError
from domain.exchange import Mapped, Skipped
from domain.targets import NO_LEVEL
from domain.values import Window
from resources.http.rate_limit import LocalQuota
from resources.platforms.commercetools.adapter import build
from tests.resources.platforms.commercetools.conftest import Open
from tests.resources.platforms.commercetools.projects import connection, settings
from tests.sandbox.simulated_project import Project, an_order

Json = dict[str, Any]
DAY = datetime(2026, 3, 4, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=1))


def _ids(store: Any, window: Window = WINDOW) -> list[str]:
    return [r.source_id for page in store.sources["orders"].fetch(window) for r in page.records]


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 500])
def test_orders_of_one_millisecond_are_neither_lost_nor_doubled(
    project: Project, open_store: Open, page_size: int
) -> None:
    """Whatever the page's end falls on."""
    at = [(DAY + timedelta(hours=n // 4)).isoformat() for n in range(14)]
    placed = project.place(*(an_order(str(n), moment) for n, moment in enumerate(at)))
    found = _ids(open_store(page_size=page_size))
    assert len(found) == 14
    assert set(found) == set(placed)


def test_a_window_is_cut_exactly(project: Project, open_store: Open) -> None:
    """It includes its start and not its end, to the microsecond of its own bounds."""
    step = timedelta(milliseconds=1)
    moments = [DAY - step, DAY, DAY + step, DAY + 2 * step]
    placed = project.place(*(an_order(str(n), m.isoformat()) for n, m in enumerate(moments)))
    store = open_store()
    assert _ids(store, Window(DAY, DAY + 2 * step)) == placed[1:3]
    odd = timedelta(microseconds=500)
    assert _ids(store, Window(DAY + odd, DAY + step + odd)) == [placed[2]]
    assert _ids(store, Window(DAY, DAY)) == []


def test_a_store_reads_its_own_orders_only(project: Project, open_store: Open) -> None:
    """By the store's key, in the query already; by id all, since one may have been sent before."""
    ours, other = project.place(
        an_order("1", DAY.isoformat(), store={"typeId": "store", "key": "us"}),
        an_order("2", DAY.isoformat(), store={"typeId": "store", "key": "de"}),
    )
    store = open_store(store_key="us")
    assert _ids(store) == [ours]
    orders = store.sources["orders"]
    read = {r.source_id: r.payload for p in orders.read([ours, other]) for r in p.records}
    assert read.keys() == {ours, other}
    skipped = orders.to_canonical(read[other])
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "other_channel"


@pytest.mark.parametrize("probe", ["orders", "messages"])
def test_a_probe_sees_a_change(project: Project, open_store: Open, probe: str) -> None:
    """By orders with the order's time, by messages with the time that was asked for."""
    orders = open_store(probe=probe).sources["orders"]
    since = datetime.now(UTC) - timedelta(minutes=5)
    assert orders.probe(since) is None
    [order_id] = project.place(an_order("1", DAY.isoformat()))
    project.set(f"orders/{order_id}/state", {"orderState": "Confirmed"})
    found = orders.probe(since)
    assert found is not None
    assert since <= found <= datetime.now(UTC)


def _charge(project: Project, order_id: str) -> None:
    """Add a transaction to the order's payment; the order itself does not change."""
    payment_id = project.order(order_id)["paymentInfo"]["payments"][0]["id"]
    payment = project.api.get(f"/payments/{payment_id}").json()
    amount = {"currencyCode": "USD", "centAmount": 4680}
    transaction = {"type": "Charge", "state": "Success", "amount": amount, "interactionId": "late"}
    action = {"action": "addTransaction", "transaction": transaction}
    body = {"version": payment["version"], "actions": [action]}
    assert project.api.post(f"/payments/{payment_id}", json=body).status_code == 200


def test_orders_are_read_again_by_the_changes_of_their_payments(
    project: Project, open_store: Open
) -> None:
    """Where the connection says so: each once, as it is now, dated at the window's start."""
    now = datetime.now(UTC)
    old, *others = project.place(
        *(an_order(str(n), DAY.isoformat()) for n in range(3)),
        an_order("9", (now - timedelta(seconds=1)).isoformat()),
    )
    window = Window(now, now + timedelta(hours=1))
    plain, reading = open_store(), open_store(payment_changes=True, page_size=2)
    for order_id in (old, others[0], old):
        _charge(project, order_id)
    assert _ids(plain, window) == []
    found = [record for page in reading.sources["orders"].fetch(window) for record in page.records]
    assert {old, others[0]} <= {record.source_id for record in found}
    assert len({record.source_id for record in found}) == len(found)
    assert {record.updated_at for record in found} == {window.since}
    [payload] = [record.payload for record in found if record.source_id == old]
    assert payload.count(b'"late"') == 2
    assert plain.sources["orders"].probe(window.since) is None
    probed = reading.sources["orders"].probe(window.since)
    assert probed is not None
    assert probed >= window.since


def test_an_order_that_is_in_the_window_itself_is_not_read_a_second_time(
    project: Project, open_store: Open
) -> None:
    """Nor is one of another store, whatever became of its payment."""
    now = datetime.now(UTC)
    at = (now + timedelta(minutes=5)).isoformat()
    ours, _ = project.place(
        an_order("1", at, store={"typeId": "store", "key": "us"}),
        an_order("2", DAY.isoformat(), store={"typeId": "store", "key": "de"}),
    )
    store = open_store(payment_changes=True, store_key="us")
    window = Window(now - timedelta(minutes=1), now + timedelta(hours=1))
    assert _ids(store, window) == [ours]
    assert _ids(store, Window(window.since, now + timedelta(minutes=1))) == [], "in a later one"


def test_connections_to_one_project_share_its_rate_and_not_its_orders() -> None:
    """Those of two stores; two of one store, or one of all beside one, would take the same."""
    us, de = (settings(store_key=key) for key in ("us", "de"))
    assert us.identity.bucket == de.identity.bucket
    assert not us.identity.overlaps(de.identity)
    assert us.identity.overlaps(settings(store_key="us", client_id="other").identity)
    assert us.identity.overlaps(settings().identity)
    other = settings(project_key="zeta", store_key="us").identity
    assert other.bucket != us.identity.bucket
    assert not other.overlaps(us.identity)


def test_the_projects_rate_is_kept_by_all_of_its_connections_together(project: Project) -> None:
    """Two connectors, one quota: no more calls a second than the connection states."""
    clock = [1_000.0]
    quota = LocalQuota(lambda: clock[0])
    taken: list[str] = []

    class Counted(LocalQuota):
        def take(self, bucket: str, wanted: int, **limits: Any) -> tuple[int, float]:
            granted, wait = quota.take(bucket, wanted, **limits)
            taken.extend([bucket] * granted)
            return granted, wait

    chosen = [
        settings(
            project_key=project.name,
            region=None,
            api_url=project.url,
            auth_url=project.url,
            store_key=key,
            requests_per_second=6,
        )
        for key in ("us", "de")
    ]
    secret = f"sandbox-secret-{project.name}"
    stores = [build(each, connection(), lambda _: secret, Counted()) for each in chosen]
    for store in stores * 3:
        store.sources["orders"].probe(DAY)
    assert len(set(taken)) == 1
    assert quota.take(taken[0], 1, quota=6, window_seconds=1.0)[0] == 0, "used up by both"
    for store in stores:
        store.close()


def _store(answer: Any) -> Any:
    """Return a connector to a project that always answers the same."""

    def handle(request: httpx.Request) -> httpx.Response:
        if "token" in request.url.path:
            return httpx.Response(200, json={"access_token": "t", "expires_in": 60})
        return httpx.Response(200, content=orjson.dumps(answer))

    transport = httpx.MockTransport(handle)
    return build(settings(), connection(), lambda _: "secret", LocalQuota(), transport)


@pytest.mark.parametrize(
    "order",
    [
        {"id": "5f1d3c57-8f4c-4b63-9d0a-000000000001", "lastModifiedAt": DAY.isoformat()},
        {"lastModifiedAt": DAY.isoformat()},
        {"id": "5f1d3c57-8f4c-4b63-9d0a-000000000001", "lastModifiedAt": "yesterday"},
        {"id": 5},
        5,
    ],
)
def test_a_page_that_does_not_advance_ends_the_read_with_an_error(order: Any) -> None:
    """A project that ignores the predicate would be read forever."""
    store = _store({"results": [order], "limit": 1, "offset": 0, "count": 1})
    with pytest.raises(PermanentError, match="contract"):
        _ids(store)
    store.close()


@pytest.mark.parametrize("answer", [{}, {"results": None}, [], {"results": 5}])
def test_an_answer_without_results_is_no_empty_page(answer: Any) -> None:
    """It would end the window, and its orders would be lost."""
    store = _store(answer)
    with pytest.raises(TransientError, match="malformed JSON"):
        _ids(store)
    store.close()


def test_the_catalog_has_every_sku_of_published_products(
    project: Project, open_store: Open
) -> None:
    """Master variants and others; a variant without a SKU can't be addressed."""
    many = [{"sku": f"S{n}"} for n in range(5)]
    project.set("catalog", [*many, {"variants": [{"sku": "M-1"}, {"sku": None}, {"sku": "M-3"}]}])
    catalog = open_store().sources["catalog"]
    pages = list(catalog.fetch(WINDOW))
    assert [page.complete for page in pages][-1]
    mapped = [catalog.to_canonical(r.payload) for page in pages for r in page.records]
    skus = {i.sku for one in mapped if isinstance(one, Mapped) for i in one.record.items}
    assert skus == {*(f"S{n}" for n in range(5)), "M-1", "M-3"}
    lacking = [one.record for one in mapped if isinstance(one, Mapped) and one.record.without_sku]
    assert [(product.without_sku, bool(product.name)) for product in lacking] == [
        (("variant 2",), True)
    ]
    ids = [r.source_id for page in pages for r in page.records]
    assert [r.source_id for p in catalog.read(ids[:2]) for r in p.records] == sorted(ids[:2])
    with pytest.raises(RecordRejected):
        catalog.to_canonical(b'{"id": "x", "masterVariant": {"sku": 5}}')


def test_locations_are_channels_that_supply_stock(project: Project, open_store: Open) -> None:
    """By key; a channel without the role is none, and the default is not a channel."""
    [east, _] = project.set(
        "channels", [{"key": "EAST"}, {"key": "WEB", "roles": ["ProductDistribution"]}]
    )["ids"]
    stock = open_store().targets["inventory"]
    assert stock.locations() == {"default": "default", "EAST": east}
    project.set(
        "stock",
        [
            {"sku": 'A"B', "quantity": 9, "reserved": 2},
            {"sku": 'A"B', "quantity": 4, "channel": "EAST"},
        ],
    )
    shown = {('A"B', "default"): 7, ('A"B', east): 4}
    none = dict.fromkeys([("NONE", "default"), ("NONE", east)], NO_LEVEL)
    assert stock.levels(['A"B', "NONE"]) == shown | none


def test_the_preflight_names_what_is_missing_and_what_is_too_much(
    project: Project, open_store: Open
) -> None:
    """A scope that the streams need, one that they don't, a channel, a store, messages."""
    project.set("settings", {"scopes": ["view_orders", "view_products", "manage_subscriptions"]})
    sections = {"inventory": {"mode": "by_node", "nodes": {"DC1": "WEST"}}}
    checks = {c.name: c for c in open_store(sections, store_key="us").preflight()}
    assert not checks["scope manage_orders"].ok
    assert not checks["scope manage_products"].ok
    assert "WEST" in checks["locations"].detail
    assert not checks["store"].ok
    assert "manage_subscriptions" in checks["scopes beyond need"].detail
    project.set("settings", {"scopes": ["manage_project"], "messages": False})
    messages = {c.name: c for c in open_store(probe="messages").preflight()}["messages"]
    assert not messages.ok
    assert "off" in messages.detail


def test_the_preflight_names_what_prices_lack(project: Project, open_store: Open) -> None:
    """A scope, a channel that a price list names, and what happens to sale prices."""
    sections: dict[str, Any] = {
        "streams": ["orders", "prices"],
        "prices": {"lists": {"B2B": "channel=B2B"}},
    }
    project.set("settings", {"scopes": ["view_orders", "view_payments", "view_products"]})
    checks = {c.name: c for c in open_store(sections).preflight()}
    assert not checks["scope manage_standalone_prices"].ok
    assert not checks["prices"].ok
    project.set("settings", {"scopes": ["manage_project"]})
    project.set("channels", [{"key": "B2B", "roles": ["ProductDistribution"]}])
    discount = "0" * 36
    checks = {c.name: c for c in open_store(sections, sale_discount=discount).preflight()}
    assert checks["scope manage_standalone_prices"].ok
    assert checks["prices"].ok
    assert f"product discount {discount}" in checks["prices"].detail
    detail = {c.name: c for c in open_store(sections).preflight()}["prices"].detail
    assert "sale_discount names no product discount" in detail
