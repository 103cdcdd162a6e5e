"""Reading availability rows, and their stock levels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PermanentError, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.policies import InventoryPolicy
from domain.records.inventory import StockLevel
from domain.records.record import LONGEST_KEY
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.oms.manhattan.adapter import ManhattanOms
from resources.oms.manhattan.inventory import Availability, InventorySource, StockMapper
from tests.resources.oms.manhattan.conftest import Tenant
from tests.resources.oms.manhattan.samples import settings_of

MAPPER = StockMapper(settings_of(), InventoryPolicy(view="Web"))


def read_stock(oms: ManhattanOms, skus: list[str]) -> list[Sequence[RawRecord]]:
    """Return the availability of SKUs, a call's rows at a time."""
    return [page.records for page in oms.sources["inventory"].read(skus)]


def row_of(**attributes: Any) -> dict[str, Any]:
    """Build a row of the network view."""
    row = {
        "ItemId": "SKU-1",
        "ViewName": "Web",
        "Status": "AVAILABLE",
        "StatusCode": 2,
        "TotalQuantity": 7,
        "Quantity": {"DC": 5, "Store": 2},
    }
    return {
        **row,
        "IsInfiniteAvailability": False,
        "TransactionDateTime": "2026-03-04T05:06:07.100",
        **attributes,
    }


def mapped_of(**attributes: Any) -> Mapped[StockLevel]:
    """Map a row that must map."""
    mapped = MAPPER.level(orjson.dumps(row_of(**attributes)))
    assert isinstance(mapped, Mapped)
    return mapped


def level_of(**attributes: Any) -> StockLevel:
    """Return the level of a row that must map."""
    return mapped_of(**attributes).record


def test_a_network_row_is_a_level_of_the_view() -> None:
    """One number over all nodes."""
    level = level_of(NextAvailabilityDate="2026-04-01T00:00:00")
    assert (level.sku, level.node, level.available, level.status) == ("SKU-1", "Web", 7, "in_stock")
    assert level.observed_at == datetime(2026, 3, 4, 5, 6, 7, 100000, UTC)
    assert level.expected_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert level.on_hand is None


def test_a_location_row_is_a_level_of_its_node() -> None:
    """Quantities are texts or numbers, by location type or alone."""
    level = level_of(LocationId="DC1", TotalQuantity=None, Quantity="5.0")
    assert (level.node, level.available) == ("DC1", 5)
    assert level_of(TotalQuantity=None).available == 7


@pytest.mark.parametrize(
    ("code", "status"),
    [(0, "out_of_stock"), ("1", "limited"), (2.0, "in_stock"), (9, "unknown"), (None, "unknown")],
)
def test_status_codes_are_translated(code: object, status: str) -> None:
    """By the tenant's table, never by the status text."""
    assert level_of(StatusCode=code).status == status


def test_infinite_availability_needs_no_number() -> None:
    """The number beside it has no meaning, and may be missing."""
    assert level_of(IsInfiniteAvailability=True, TotalQuantity=None, Quantity=None).infinite


def test_missing_is_not_zero() -> None:
    """A row without a quantity is rejected; an item that the OMS does not know is skipped."""
    with pytest.raises(RecordRejected):
        level_of(TotalQuantity=None, Quantity=None)
    mapper = StockMapper(
        settings_of(codes={"unknown_item_statuses": ["ITEM_NOT_FOUND"]}), InventoryPolicy()
    )
    skipped = mapper.level(orjson.dumps(row_of(Status="Item Not Found", TotalQuantity=0)))
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "item_unknown"


@pytest.mark.parametrize(
    ("quantities", "stated"),
    [
        ({"TotalQuantity": -1}, "-1"),
        ({"TotalQuantity": None, "Quantity": {"DC": 2, "STORE": -5}}, "-3"),
        ({"TotalQuantity": None, "Quantity": -0.5}, "-0.5"),
    ],
)
def test_a_negative_quantity_is_zero_with_a_warning(
    quantities: dict[str, object], stated: str
) -> None:
    """Nothing can be sold: neither a negative number nor the old one may stay in the store."""
    mapped = mapped_of(**quantities)
    assert mapped.record.available == 0
    (warning,) = mapped.warnings
    assert (warning.code, warning.field) == ("quantity_negative", "Quantity")
    assert warning.value.endswith(f": {stated}")
    assert mapped_of(TotalQuantity=None, Quantity={"DC": 5, "STORE": -2}).record.available == 3


def test_all_problems_of_a_row_are_reported_with_their_paths() -> None:
    """Values of the wrong kind and wrong meanings."""
    with pytest.raises(RecordRejected) as caught:
        level_of(StatusCode=[], IsInfiniteAvailability="no", TotalQuantity=-1)
    assert [(problem.code, problem.field) for problem in caught.value.problems] == [
        ("oms_payload_unreadable", "StatusCode"),
        ("oms_payload_unreadable", "IsInfiniteAvailability"),
    ]
    with pytest.raises(RecordRejected) as caught:
        level_of(TotalQuantity="NaN", TransactionDateTime="now", NextAvailabilityDate="soon")
    assert [problem.field for problem in caught.value.problems] == [
        "Quantity",
        "NextAvailabilityDate",
        "TransactionDateTime",
    ]


UNEXPECTED = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from(["", "NaN", "sNaN", "1E+99999", [], {}, {"DC": "x"}]),
)


@given(st.dictionaries(st.sampled_from(sorted(row_of())), UNEXPECTED, max_size=4))
def test_a_malformed_row_is_a_rejection_and_nothing_worse(changes: dict[str, Any]) -> None:
    """Whatever replaces a value."""
    try:
        payload = orjson.dumps(row_of(**changes))
    except orjson.JSONEncodeError:
        return
    try:
        mapped = MAPPER.level(payload)
    except RecordRejected:
        return
    assert isinstance(mapped, Mapped)
    assert mapped.record.available >= 0


def test_the_network_view_is_read_in_chunks(
    connect: Callable[..., ManhattanOms], tenant: Tenant
) -> None:
    """Each SKU once; the vendor returns a zero row for a SKU that it does not know."""
    oms = connect({"stock_page_size": 2}, inventory={"view": "Web"})
    pages = read_stock(oms, ["SKU-1", "SKU-2", "SKU-3", "NOPE", "SKU-1"])
    assert [[record.source_id for record in page] for page in pages] == [
        ["SKU-1@Web", "SKU-2@Web"],
        ["SKU-3@Web", "NOPE@Web"],
    ]
    levels = [
        oms.sources["inventory"].to_canonical(record.payload) for page in pages for record in page
    ]
    assert [level.record.available for level in levels if isinstance(level, Mapped)] == [
        200,
        200,
        200,
        0,
    ]
    assert tenant.control("counts", method="GET")["requests"]["availability"] == 2


def test_nodes_are_read_one_by_one(connect: Callable[..., ManhattanOms], tenant: Tenant) -> None:
    """Only the connection's nodes; an item that is not eligible has no row: missing is not zero."""
    tenant.control("supply", [{"item": "SKU-9", "location": "DC1", "quantity": 4}])
    oms = connect(inventory={"mode": "by_node", "view": "Web", "nodes": {"STORE1": "main"}})
    (page,) = read_stock(oms, ["SKU-1", "SKU-9"])
    assert [record.source_id for record in page] == ["SKU-1@STORE1"]
    level = oms.sources["inventory"].to_canonical(page[0].payload)
    assert isinstance(level, Mapped)
    assert (level.record.node, level.record.available) == ("STORE1", 100)


def availability_of(data: Any) -> Availability:
    """Build an availability in front of an endpoint that always returns the same data."""
    return availability(lambda _: orjson.dumps(data))


def availability(
    answer: Callable[[Any], bytes], policy: InventoryPolicy | None = None, **changes: Any
) -> Availability:
    """Build an availability in front of an endpoint that answers a request's body with data."""
    transport = httpx.MockTransport(
        lambda request: httpx.Response(
            200, content=b'{"success":true,"data":%b}' % answer(orjson.loads(request.content))
        )
    )
    limiter = Limiter(LocalQuota(), "t", quota=1000, window_seconds=1.0)
    client = ApiClient(
        ClientPolicy(
            system="manhattan",
            base_url="https://acme.omni.manh.com",
            auth=NoAuth(),
            limiter=limiter,
        ),
        transport=transport,
    )
    return Availability(
        client,
        settings_of(**changes),
        policy or InventoryPolicy(),
        lambda: datetime(2026, 3, 4, tzinfo=UTC),
    )


def test_no_data_is_no_rows() -> None:
    """The vendor's ``data`` may be null."""
    assert list(availability_of(None).rows(["SKU-1"])) == [[]]


def test_a_row_without_a_time_was_observed_when_it_was_captured() -> None:
    """The payload stays as it was sent; the capture has the time, the level none."""
    row = row_of(TransactionDateTime=None)
    ((record,),) = availability_of([row]).rows(["SKU-1"])
    assert orjson.loads(record.payload) == row
    assert record.updated_at == datetime(2026, 3, 4, tzinfo=UTC)
    level = MAPPER.level(record.payload)
    assert isinstance(level, Mapped)
    assert level.record.observed_at is None


def test_the_longest_sku_keeps_its_key_when_its_level_changes() -> None:
    """Under an id of its content each level would be another record, and a drift would be lost."""
    sku, node = "S" * LONGEST_KEY, "N" * LONGEST_KEY
    rows = [row_of(ItemId=sku, LocationId=node, TotalQuantity=units) for units in (3, 4)]
    (records,) = availability_of(rows).rows([sku])
    assert [record.source_id for record in records] == [f"{sku}@{node}"] * 2


def test_rows_that_differ_only_in_their_time_have_the_same_content() -> None:
    """An unchanged level that is read again is no new version; a changed one is."""
    later, more = (
        row_of(TransactionDateTime="2026-03-05T00:00:00"),
        row_of(TotalQuantity=99, Quantity=None),
    )
    ((first, second, third),) = availability_of([row_of(), later, more]).rows(["SKU-1"])
    assert first.content == second.content != third.content
    assert first.payload != second.payload


def test_a_view_that_the_tenant_lacks_is_permanent(
    connect: Callable[..., ManhattanOms], tenant: Tenant
) -> None:
    """The error names the wrong setting; nothing looks sold out."""
    tenant.control("settings", {"views": {"Web": {"locations": None}}})
    with pytest.raises(PermanentError, match="VIEW_NOT_FOUND"):
        read_stock(connect(inventory={"view": "Wrong"}), ["SKU-1"])


SKUS = [f"SKU-{i}" for i in range(9)]


def zero_rows(asked: Any) -> bytes:
    """Answer each SKU with a row."""
    return orjson.dumps([row_of(ItemId=sku) for sku in asked["Items"]])


@pytest.mark.parametrize("concurrency", [1, 2, 4, 20])
def test_prefetched_calls_come_in_the_order_of_the_skus(concurrency: int) -> None:
    """However many are under way, and each once."""
    reader = availability(zero_rows, stock_page_size=2, read_concurrency=concurrency)
    found = [[record.source_id for record in page] for page in reader.rows(SKUS)]
    names = [f"{sku}@NetworkView" for sku in SKUS]
    assert found == [names[i : i + 2] for i in range(0, 9, 2)]


@pytest.mark.parametrize(
    ("policy", "settings", "view"),
    [
        ({}, {}, "NetworkView"),
        ({}, {"network_view": "Own"}, "Own"),
        ({"view": "Web"}, {"network_view": "Own"}, "Web"),
        ({"view": "Web"}, {}, "Web"),
    ],
)
def test_the_view_is_the_connections_or_the_tenants_own(
    policy: dict[str, Any], settings: dict[str, Any], view: str
) -> None:
    """It is asked for, and is the node of a row that names none."""
    asked: list[str] = []

    def answer(body: Any) -> bytes:
        asked.append(body["ViewName"])
        return zero_rows(body)

    reader = availability(answer, InventoryPolicy(**policy), **settings)
    [[record]] = reader.rows(["SKU-1"])
    source = InventorySource(reader, settings_of(**settings), InventoryPolicy(**policy))
    bare = orjson.loads(record.payload) | {"LocationId": None, "ViewName": None}
    mapped = source.to_canonical(orjson.dumps(bare))
    assert isinstance(mapped, Mapped)
    assert (asked, source.view, record.source_id, mapped.record.node) == (
        [view],
        view,
        f"SKU-1@{view}",
        view,
    )


def test_a_reader_that_stops_early_makes_no_further_call() -> None:
    """Beyond those under way: their rows would not be read, and cost the quota."""
    started, going_on = threading.Semaphore(0), threading.Event()
    asked: list[str] = []

    def slow(body: Any) -> bytes:
        asked.append(body["Items"][0])
        started.release()
        if len(asked) > 1:
            going_on.wait(60)
        return zero_rows(body)

    pages = availability(slow, stock_page_size=1, read_concurrency=1).rows(SKUS)
    assert [record.source_id for record in next(pages)] == ["SKU-0@NetworkView"]
    assert started.acquire(timeout=60) and started.acquire(timeout=60)
    threading.Timer(0.5, going_on.set).start()
    pages.close()  # type: ignore[attr-defined]
    assert asked == ["SKU-0", "SKU-1"]


@pytest.mark.parametrize(
    ("row", "known"),
    [
        (b"7", False),
        (b"null", False),
        (b'"SKU-1"', False),
        (b"[]", False),
        (b"{}", False),
        (b'{"ItemId":["SKU-1"]}', False),
        (b'{"ItemId":"  ","Quantity":1}', False),
        (b'{"ItemId":"A\\u0000B"}', False),
        (b'{"ItemId":"%b"}' % (b"x" * 700), False),
        (b'{"ItemId":"SKU-1","Quantity":"\xff"}', True),
        (b'{"ItemId":17,"Quantity":"NaN"}', True),
    ],
    ids=str,
)
def test_a_row_that_cannot_be_read_is_captured_and_costs_no_other(row: bytes, known: bool) -> None:
    """Under the item's id, or one made of its content, which is the same at the next read."""
    good = orjson.dumps(row_of())
    reader = availability(lambda _: b"[%b,%b]" % (row, good))
    ((first, second),) = reader.rows(["SKU-1"])
    assert (first.payload, second.source_id) == (row, "SKU-1@NetworkView")
    assert first.source_id.startswith("unreadable-") is not known
    ((again, _),) = reader.rows(["SKU-1"])
    assert (again.source_id, again.content) == (first.source_id, first.content)
    with pytest.raises(RecordRejected) as caught:
        MAPPER.level(first.payload)
    assert caught.value.problems[0].code == "oms_payload_unreadable"


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ({"DC1": "main"}, ["SKU-1@DC1"]),
        ({"DC1": "main", "DC2": "other"}, ["SKU-1@DC1", "SKU-1@DC2"]),
        ({"DC9": "main"}, []),
    ],
)
def test_a_node_that_was_not_asked_for_is_left_out(
    nodes: dict[str, str], expected: list[str]
) -> None:
    """A tenant that ignores the filter must not fill the store with levels of all its nodes."""
    rows = [row_of(LocationId=node) for node in ("DC1", "DC2", "DC3")]
    policy = InventoryPolicy(mode="by_node", nodes=nodes)
    asked: list[Any] = []

    def answer(body: Any) -> bytes:
        asked.append(body["Locations"])
        return orjson.dumps(rows)

    (page,) = availability(answer, policy).rows(["SKU-1"])
    assert [record.source_id for record in page] == expected
    assert asked == [list(nodes)]
