"""Orders by files: each goes out once, in the account's columns; what files report is kept."""

from __future__ import annotations

import asyncio
import csv
import errno
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from domain.delivery import Claimed, Intent, OrderCancel, OrderSave, Outcome
from domain.errors import PermanentError, RecordRejected
from domain.exchange import Exchange, Mapped
from domain.milestones import Milestone
from domain.values import Window
from resources.http.rate_limit import LocalQuota
from resources.oms.anchanto.adapter import build
from resources.oms.anchanto.files import outbox as outbox_module
from resources.oms.anchanto.files.adapter import AnchantoFiles
from resources.oms.anchanto.files.orders_state import EPOCH, OrdersState
from resources.oms.anchanto.files.rows import OrderRows
from resources.oms.anchanto.wire import AnchantoFields
from resources.secrets import resolve
from resources.sheets.reader import Form, rows_of
from tests.conformance.systems import connection_of
from tests.resources.oms.anchanto.files_samples import file_settings, put
from tests.resources.oms.manhattan.samples import line_of, order_of

Json = dict[str, Any]
EVER = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
SHIPMENT = ("order_number", "shipment_number", "tracking_number", "status", "sku", "quantity")
STATUS = ("number", "status")


@pytest.fixture
def oms(tmp_path: Path) -> AnchantoFiles:
    """Make an account with all of its folders."""
    return account(tmp_path)


def account(folder: Path, exchange: Json | None = None, **changes: Any) -> AnchantoFiles:
    """Return the account of a folder."""
    settings = file_settings(folder, exchange, **changes)
    for name in ("statuses", "shipments", "orders", "cancellations"):
        (folder / name).mkdir(exist_ok=True)
    section = {"kind": "anchanto", **settings.model_dump(mode="json", exclude_unset=True)}
    made = build(settings, connection_of(oms=section), resolve, LocalQuota())
    assert isinstance(made, AnchantoFiles)
    return made


def payload_of(oms: AnchantoFiles, number: str = "T-1") -> dict[str, object]:
    """Return an order of 2 SKU-1 and 1 SKU-2."""
    lines = (
        line_of("11", "SKU-1", quantity="2", price="10.00"),
        line_of("12", "SKU-2", quantity="1", price="5.10"),
    )
    order = order_of(number, lines=lines, charges=(), payments=(), total="25.10", total_tax="0")
    return oms.orders.payload(order)


def claim(operation: str, content: object, key: UUID | None = None) -> Claimed:
    """Return a claimed intent."""
    return Claimed(Intent(operation, key or uuid4(), "T-1", content), "c-1")


def save(payload: Mapping[str, object], key: UUID | None = None) -> Claimed:
    """Return the intent to create an order."""
    return claim("create", OrderSave(payload, payload, None), key)


def send(oms: AnchantoFiles, claimed: Claimed, log: list[Exchange] | None = None) -> Outcome:
    """Apply one intent."""

    async def apply() -> Outcome:
        async with oms.orders.writer([].append if log is None else log.append) as writer:
            return (await writer.apply([claimed]))[0]

    return asyncio.run(apply())


def found(oms: AnchantoFiles, claimed: Claimed) -> bool:
    """Return whether an intent's effect is there."""

    async def look() -> bool:
        async with oms.orders.writer([].append) as writer:
            return (await writer.find([claimed], ()))[0] is not None

    return asyncio.run(look())


def out(folder: Path, kind: str = "orders") -> list[Path]:
    """Return the files that went out."""
    return sorted(path for path in (folder / kind).iterdir() if not path.name.startswith("."))


def progress(oms: AnchantoFiles, number: str = "T-1") -> Any:
    """Return an order's fulfilment."""
    [page] = oms.sources["shipments"].read([number])
    [record] = page.records
    mapped = oms.sources["shipments"].to_canonical(record.payload, is_linked=True)
    assert isinstance(mapped, Mapped)
    return mapped.record


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_an_order_is_written_in_the_accounts_columns(tmp_path: Path, suffix: str) -> None:
    """A row for each line, in fixed columns; the name has channel, time and the delivery's key."""
    columns = {"order_items.sku": "Article", "remarks": None}
    fields = {"order": {"number": "OrderNo", "shipping_address.zipcode": "zip"}}
    oms = account(tmp_path, {"format": suffix, "columns": columns}, wire={"fields": fields})
    claimed, log = save(payload_of(oms)), list[Exchange]()
    assert send(oms, claimed, log).state == "done"
    [file] = out(tmp_path)
    assert file.name.startswith("WEB-2")
    assert file.name.endswith(f"Z-{claimed.key}.{suffix}")
    rows = [row.cells for row in rows_of(file, Form(()))]
    assert [(row["orderno"], row["article"], row["order_items.quantity"]) for row in rows] == [
        ("T-1", "SKU-1", "2"),
        ("T-1", "SKU-2", "1"),
    ]
    assert "shipping_address.zip" in rows[0]
    rest = OrderRows(AnchantoFields.model_validate(fields), columns).columns
    assert not {"remarks", "number", "order_items.sku"} & set(rest)
    [exchange] = log
    assert (exchange.status, exchange.endpoint) == (200, f"orders/{file.name}")


def test_an_order_goes_out_once_and_another_of_its_number_is_refused(
    oms: AnchantoFiles, tmp_path: Path
) -> None:
    """Also where the other program has taken the file."""
    claimed = save(payload_of(oms))
    assert not found(oms, claimed)
    assert send(oms, claimed).state == "done"
    assert found(oms, claimed)
    [file] = out(tmp_path)
    file.unlink()
    assert send(oms, save(payload_of(oms))).state == "done"
    assert out(tmp_path) == []
    other = send(oms, save({**payload_of(oms), "currency_code": "EUR"}))
    assert [problem.code for problem in other.problems] == ["order_exists_differently"]


@pytest.mark.parametrize("place", ["_rename", "_confirm"])
def test_a_lost_run_leaves_no_doubt_whether_a_file_is_out(
    oms: AnchantoFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """What was noted and not handed out is not found, and written again."""
    claimed, calls = save(payload_of(oms)), list[object]()

    def fail(*given: object) -> None:
        calls.append(given)
        if place == "_rename" or len(calls) > 1:  # the first confirms the file's other name
            raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(outbox_module, place, fail)
        assert send(oms, claimed).state == "unknown"
    is_out = place == "_confirm"
    assert found(oms, claimed) is is_out
    assert len(out(tmp_path)) == is_out
    assert send(oms, claimed).state == "done"
    assert len(list((tmp_path / "orders").iterdir())) == len(out(tmp_path)) == 1


def test_a_folder_that_takes_no_file_fails_before_anything_is_noted(
    oms: AnchantoFiles, tmp_path: Path
) -> None:
    """So trying again may help."""
    (tmp_path / "orders").rmdir()
    assert send(oms, save(payload_of(oms))).state == "retry"
    (tmp_path / "orders").mkdir()
    assert send(oms, save(payload_of(oms))).state == "done"
    assert len(out(tmp_path)) == 1


def test_two_processes_hand_a_file_out_once(oms: AnchantoFiles, tmp_path: Path) -> None:
    """The slower one finds that it is out."""
    send(oms, save(payload_of(oms)))
    [file] = out(tmp_path)
    outbox_module._rename(tmp_path / "orders/.gone.csv", file)
    with pytest.raises(FileNotFoundError):
        outbox_module._rename(tmp_path / "orders/.gone.csv", tmp_path / "none/x.csv")


def test_shipments_of_a_file_are_parcels_of_the_order_that_was_sent(
    oms: AnchantoFiles, tmp_path: Path
) -> None:
    """Rows of one number are one shipment; a later file corrects it, an older one does not."""
    send(oms, save(payload_of(oms)))
    assert progress(oms).milestone() is Milestone.CREATED
    rows = (
        ("T-1", "S1", "1Z5R89390357567127", "In_transit", "SKU-1", 2),
        ("T-1", "S1", "1Z5R89390357567127", "In_transit", "SKU-2", 1),
    )
    put(tmp_path / "shipments/1.csv", *rows, header=SHIPMENT, age=50)
    [parcel] = progress(oms).parcels
    assert [(line.line_id, int(line.quantity)) for line in parcel.lines] == [("11", 2), ("12", 1)]
    changed = progress(oms).updated_at
    put(tmp_path / "shipments/2.csv", *rows, header=SHIPMENT, age=40)
    assert progress(oms).updated_at == changed, "the same again is not a change"
    put(
        tmp_path / "shipments/0.csv",
        ("T-1", "S1", "OLD", "Packed", "SKU-1", 1),
        header=SHIPMENT,
        age=900,
    )
    assert progress(oms).updated_at == changed
    put(
        tmp_path / "shipments/3.xlsx",
        ("T-1", "S1", "NEW", "In_transit", "SKU-1", 2),
        header=SHIPMENT,
        age=30,
    )
    [parcel] = progress(oms).parcels
    assert (parcel.tracking_number, len(parcel.lines)) == ("NEW", 1)


def test_a_status_is_of_the_newest_file_and_keeps_its_row(
    oms: AnchantoFiles, tmp_path: Path
) -> None:
    """What else the row says is captured, and replaces nothing of what was sent."""
    send(oms, save(payload_of(oms)))
    header = (*STATUS, "currency_code")
    put(tmp_path / "statuses/2.csv", ("T-1", "Ready_for_Fulfilment", "XXX"), header=header, age=20)
    put(tmp_path / "statuses/1.csv", ("T-1", "Packed", "XXX"), header=header, age=50)
    assert progress(oms).milestone() is Milestone.ALLOCATED
    [page] = oms.sources["shipments"].read(["T-1"])
    document = orjson.loads(page.records[0].payload)
    assert document["exchange_file"]["cells"]["currency_code"] == "XXX"
    assert document["exchange_file"]["file"] == "2.csv"
    assert found(oms, save(payload_of(oms)))


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((("T-1", "S1", "=A1", "Packed", "SKU-1", 1),), "C2 (tracking_number) is a formula"),
        ((("T-1", "S1", "A", "Packed", "SKU-1", 1), ("T-1", "S1", "B", "Packed", "SKU-2", 1)),
         "the shipment's rows differ in tracking_number"),
        ((("T-1", "S1", "A", "Packed", "SKU-1", "x"),), "shipments[0].items"),
        ((("T-1", "", "A", "Packed", "SKU-1", 1),), "A shipment has no number"),
        ((("T-1", "S1", "A", "", "SKU-1", 1),), "status is not in the status table"),
    ],
)  # fmt: skip
def test_a_shipment_that_cannot_be_used_is_its_orders_rejection(
    oms: AnchantoFiles, tmp_path: Path, rows: tuple[Any, ...], reason: str
) -> None:
    """Nothing of it reaches the store; the next file that states it right ends that."""
    send(oms, save(payload_of(oms)))
    put(tmp_path / "shipments/1.csv", *rows, header=SHIPMENT, age=50)
    with pytest.raises(RecordRejected) as rejected:
        progress(oms)
    assert any(reason in f"{p.field} {p.message}" for p in rejected.value.problems), rejected.value
    if rows[0][1]:
        put(tmp_path / "shipments/2.csv", ("T-1", "S1", "A", "Packed", "SKU-1", 1), header=SHIPMENT)
        assert len(progress(oms).parcels) == 1


def test_rows_that_name_no_order_and_spoilt_files_are_records_of_their_own(
    oms: AnchantoFiles, tmp_path: Path
) -> None:
    """Once each, however often they come."""
    source = oms.sources["shipments"]
    for _ in range(2):
        put(tmp_path / "statuses/1.csv", ("", "Packed"), header=STATUS)
        put(tmp_path / "shipments/1.csv", ("", "S1", "", "Packed", "A", 1), header=SHIPMENT)
        (tmp_path / "shipments/cut.xlsx").write_bytes(b"PK cut")
        records = [record for page in source.fetch(EVER) for record in page.records]
    messages = []
    for record in records:
        with pytest.raises(RecordRejected) as rejected:
            source.to_canonical(record.payload)
        messages += [problem.message for problem in rejected.value.problems]
    assert sorted(message.split(":")[0] for message in messages) == [
        "Line 2 of the file 1.csv can't be used",
        "Line 2 of the file 1.csv can't be used",
        "The file cut.xlsx can't be used",
    ]
    assert len(list((tmp_path / "shipments/failed").glob("*.xlsx"))) == 2


def test_changes_are_found_by_the_time_they_came(oms: AnchantoFiles, tmp_path: Path) -> None:
    """Not by what a file says: a window that is closed gets no more."""
    source, start = oms.sources["shipments"], datetime.now(UTC)
    assert source.probe(start) is None
    send(oms, save(payload_of(oms)))
    sent = source.probe(start)
    assert sent is not None
    assert sent >= start - timedelta(seconds=1)
    later = datetime.now(UTC)
    put(tmp_path / "statuses/1.csv", ("T-1", "Packed"), header=STATUS, age=9_000)
    moved = source.probe(later)
    assert moved is not None
    window = Window(later, moved + timedelta(microseconds=1))
    assert [r.source_id for page in source.fetch(window) for r in page.records] == ["T-1"]
    assert list(source.fetch(Window(later, later))) == []
    assert list(source.fetch(Window(start, later))) == [], "it belongs to a later window now"


def test_a_clock_that_is_set_back_moves_no_change_into_a_closed_window(
    oms: AnchantoFiles, tmp_path: Path
) -> None:
    """The change has the time of the last one then."""
    send(oms, save(payload_of(oms)))
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with OrdersState(tmp_path).transaction() as database:
        micros = (ahead - EPOCH) // timedelta(microseconds=1)
        database.execute("UPDATE orders SET changed_at = ?", (micros,))
    send(oms, save(payload_of(oms, "T-2")))
    assert oms.sources["shipments"].probe(ahead) == ahead
    [page] = oms.sources["shipments"].fetch(Window(ahead, ahead + timedelta(seconds=1)))
    assert sorted(record.source_id for record in page.records) == ["T-1", "T-2"]


def test_a_cancellation_goes_out_once_until_the_order_is_packed(
    oms: AnchantoFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a request: the status answers it."""
    cancel = claim("cancel", OrderCancel("T-1", "by the shopper"))
    assert [p.code for p in send(oms, cancel).problems] == ["order_gone_at_oms"]
    send(oms, save(payload_of(oms)))

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(outbox_module, "_rename", fail)
        assert send(oms, cancel).state == "unknown"
    for _ in range(2):
        assert send(oms, cancel).state == "requested"
    [file] = out(tmp_path, "cancellations")
    [row] = csv.DictReader(file.read_text().splitlines())
    assert row == {"number": "T-1", "store_code": "WEB", "reason": "by the shopper"}
    put(tmp_path / "statuses/1.csv", ("T-1", "Packed"), header=STATUS, age=50)
    assert progress(oms).cancel_answer == "rejected"
    refused = send(oms, claim("cancel", OrderCancel("T-1", "")))
    assert "it is Packed" in refused.problems[0].message
    put(tmp_path / "statuses/2.csv", ("T-1", "Canceled"), header=STATUS)
    assert progress(oms).milestone() is Milestone.CANCELED
    assert send(oms, claim("cancel", OrderCancel("T-1", ""))).state == "done"


def test_the_preflight_wants_the_folders_of_orders(tmp_path: Path) -> None:
    """Where the connection's streams use them."""
    oms = account(tmp_path)
    put(tmp_path / "stock/1.csv", ("A", "EAST", 3))
    assert [check.ok for check in oms.preflight()] == [True, True, True]
    (tmp_path / "cancellations").rmdir()
    [check] = oms.preflight()
    assert "cancellations is not a folder" in check.detail
    (tmp_path / "statuses").rmdir()
    with pytest.raises(PermanentError, match="folder statuses"):
        oms.sources["shipments"].probe(datetime.now(UTC))
