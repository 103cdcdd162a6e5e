"""Lists with bad records: each record is captured once, and an unreadable page is an error."""

from __future__ import annotations

from random import Random

import httpx
import orjson
import pytest

from domain.errors import LockstepError, PermanentError, TransientError
from domain.exchange import RawRecord
from domain.identity import is_id
from tests.bad_input.counts import OMS_SEARCHES, STORE_PAGES
from tests.bad_input.mutations import Mutator
from tests.bad_input.systems import (
    DAY,
    START,
    Answer,
    Listed,
    platform_on,
    search_on,
    store_of,
    tenant_of,
)
from tests.resources.oms.manhattan.samples import published
from tests.resources.platforms.bigcommerce.stores import order, read_orders

pytestmark = pytest.mark.slow

PAGE = 50
MODIFIED = "Thu, 19 Mar 2026 11:00:00 +0000"
BROKEN = (
    b"[",
    b'[{"id":1}',
    b'[{"id":1},',
    b'{"id":1}',
    b"\xff\xfe",
    b"<html>",
    b"[1,2",
    b'[{"id":NaN}]',
    b"null ]",
    b"[" * 5000,
    b'["\x00"]',
    b'"x"',
)


def read_store(answer: Answer) -> list[RawRecord]:
    """Read a whole window of the store."""
    store = platform_on(answer, page_size=PAGE, fetch_transactions="never")
    try:
        return [record for page in read_orders(store, DAY) for record in page]
    finally:
        store.close()


def mutated(document: object, count: int, seed: int, tail: str) -> list[bytes]:
    """Return mutated versions of a document with a valid ``tail`` that are still JSON."""
    mutator, found = Mutator([orjson.dumps(document)]), []
    while len(found) < count:
        body = mutator.payload(seed).body
        seed += 1
        if body[:1] == b"{" and body != b"{}":
            body = body[:-1] + b"," + (tail % len(found)).encode() + b"}"
        try:
            if len(orjson.loads(b"[" + body + b"]")) == 1:
                found.append(body)
        except orjson.JSONDecodeError:
            continue
    return found


@pytest.mark.parametrize("block", range(4))
def test_no_order_of_a_store_is_lost_between_bad_ones(block: int) -> None:
    """Each of them is captured with its bytes, those without an id under a fallback id."""
    number = STORE_PAGES // 4
    content = {
        "date_modified": MODIFIED,
        "status_id": 7,
        "consignments": {"shipping": [{"line_items": [{"quantity": 1}]}]},
        "items_total": 1,
    }
    bad = mutated(content, number, block * 1_000_000, '"id":1%06d7')
    listed = [
        Listed(
            int(f"1{i:06d}5"), orjson.dumps({"id": int(f"1{i:06d}5"), "date_modified": MODIFIED})
        )
        for i in range(number)
    ]
    listed += [Listed(int(f"1{i:06d}7"), body) for i, body in enumerate(bad)]
    records = read_store(store_of(listed))
    assert sorted({record.payload for record in records}) == sorted(
        {entry.body for entry in listed}
    )
    assert {str(entry.key) for entry in listed[:number]} <= {record.source_id for record in records}
    assert all(is_id(record.source_id) and record.updated_at in DAY for record in records)


@pytest.mark.parametrize(
    "number",
    [
        "null",
        '"x"',
        "-1",
        "0",
        "1.5",
        "true",
        "[]",
        "{}",
        "99999999999999999999",
        '"1001"',
        '"\\u0000"',
    ],
)
def test_one_order_without_a_usable_id_loses_no_other_of_its_page(number: str) -> None:
    """It is captured under a fallback id and rejected when it is mapped; the others continue."""
    bad = b'{"id":%s,"date_modified":"%s"}' % (number.encode(), MODIFIED.encode())
    good = [Listed(i, orjson.dumps(order(id=i))) for i in range(1, 2 * PAGE)]
    records = read_store(store_of([*good, Listed(PAGE // 2, bad)]))
    without_id = [record for record in records if not record.source_id.isdigit()]
    assert {int(record.source_id) for record in records if record not in without_id} == set(
        range(1, 2 * PAGE)
    )
    assert [record.payload for record in without_id] == [bad]
    again = read_store(store_of([*good, Listed(PAGE // 2, bad)]))
    assert {record.source_id for record in again} == {record.source_id for record in records}


@pytest.mark.parametrize(
    "date",
    [
        "null",
        '""',
        '"tomorrow"',
        '"2026-03-19T10:00:00"',
        '"Thu, 19 Mar 0026 10:00:00 +0000"',
        "17",
        '"9999-12-31T00:00:00Z"',
    ],
)
def test_an_order_without_a_usable_time_is_captured_at_the_start_of_the_window(
    date: str,
) -> None:
    """Otherwise no window would capture it."""
    bad = b'{"id":%d,"date_modified":%s}' % (PAGE // 2, date.encode())
    good = [Listed(i, orjson.dumps(order(id=i))) for i in range(1, 3 * PAGE) if i != PAGE // 2]
    records = read_store(store_of([*good, Listed(PAGE // 2, bad)]))
    assert len(records) == 3 * PAGE - 1
    assert [record.updated_at for record in records if record.payload == bad] == [START]


def test_two_versions_of_one_order_on_a_page_are_both_captured() -> None:
    """Neither is lost, and the ledger uses the newer one."""
    twice = [
        Listed(3, orjson.dumps({"id": 3, "date_modified": MODIFIED, "note": note}))
        for note in ("a", "b")
    ]
    records = read_store(
        store_of(
            [Listed(1, orjson.dumps(order(id=1))), *twice, Listed(9, orjson.dumps(order(id=9)))]
        )
    )
    assert [record.source_id for record in records] == ["1", "3", "3", "9"]


def test_a_whole_page_without_ids_is_an_error_with_its_position() -> None:
    """The next page can't be requested, and it is not the end of the list."""
    with pytest.raises(
        PermanentError,
        match=r"BigCommerce: GET /v2/orders gave 50 orders after order 0, none of them with an id",
    ):
        read_store(store_of([Listed(i, b"{}") for i in range(3 * PAGE)]))


@pytest.mark.parametrize("body", BROKEN)
def test_a_page_that_is_not_a_list_is_an_error_with_system_and_call(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is requested again, then a transient error; no part of it is used."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(
        TransientError, match=r"BigCommerce acme1: GET /v2/orders answered 200 with malformed JSON"
    ):
        read_store(
            lambda _: httpx.Response(
                200, content=body, headers={"content-type": "application/json"}
            )
        )


STAMP = "2026-03-19T00:00:00.000"


@pytest.mark.parametrize("block", range(2))
def test_no_order_of_the_oms_is_lost_between_bad_ones(block: int) -> None:
    """Each row of each page is captured once, with its bytes and a valid id."""
    number = OMS_SEARCHES // 2
    rows = [orjson.dumps(published(f"T-{i}", UpdatedTimestamp=STAMP)) for i in range(number)]
    content = {
        name: value
        for name, value in published().items()
        if name not in ("OrderId", "UpdatedTimestamp")
    }
    rows += mutated(
        content, number, block * 1_000_000, f'"OrderId":"B-%d","UpdatedTimestamp":"{STAMP}"'
    )
    Random(block).shuffle(rows)
    records = [record for page in search_on(tenant_of(rows)).changed_in(DAY) for record in page]
    assert sorted({record.payload for record in records}) == sorted(set(rows))
    assert {f"T-{i}" for i in range(number)} <= {record.source_id for record in records}
    assert all(is_id(record.source_id) and record.updated_at in DAY for record in records)


@pytest.mark.parametrize(
    "head",
    [
        '"OrderId":null',
        '"OrderId":"\\u0000"',
        '"OrderId":"a\\nb"',
        '"OrderId":[]',
        '"OrderId":"' + "x" * 9_000 + '"',
        '"a":1',
    ],
)
@pytest.mark.parametrize(
    "stamp", ["null", '"tomorrow"', '"0026-03-19T00:00:00"', "17", '"9999-12-31T23:59:59"']
)
def test_an_order_of_the_oms_without_a_usable_id_or_time_is_captured_too(
    head: str, stamp: str
) -> None:
    """Under a fallback id, at the start of the window that found it."""
    bad = f'{{{head},"UpdatedTimestamp":{stamp}}}'.encode()
    good = orjson.dumps(published(UpdatedTimestamp=STAMP))
    records = [
        record
        for page in search_on(tenant_of([good, bad, good.replace(b"1001", b"1002")])).changed_in(
            DAY
        )
        for record in page
    ]
    assert [record.source_id for record in records if record.payload != bad] == ["T-1001", "T-1002"]
    [other] = [record for record in records if record.payload == bad]
    assert other.source_id.startswith("unreadable-")
    assert other.updated_at == START


def test_errors_of_a_page_hold_no_control_characters() -> None:
    """A vendor's error text becomes one printable line."""
    hostile = "no\n\x1b[2Jforged\u202e jane.doe@example.com " + "x" * 5_000
    with pytest.raises(LockstepError) as caught:
        read_store(lambda _: httpx.Response(400, json={"title": hostile}))
    assert str(caught.value).isprintable()
    assert "jane.doe" not in str(caught.value)
    assert len(str(caught.value)) < 800
