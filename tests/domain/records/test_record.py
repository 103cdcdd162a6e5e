"""Canonical records: what is refused on building, and JSON that earlier versions have stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from domain.records.fulfilment import Fulfilment
from domain.records.inventory import StockLevel
from domain.records.orders import Charge, ChargeKind, Order
from domain.records.record import InvalidRecord, Record, decode_record, encode_record

STORED = Path(__file__).parent / "stored"
"""Canonical JSON as version 0.2.0 wrote it, with pydantic."""
KINDS: dict[str, type[Record]] = {
    "order": Order,
    "stock_level": StockLevel,
    "fulfilment": Fulfilment,
}
LEVEL = StockLevel(sku="MUG", node="N1", available=Decimal(3))


@pytest.mark.parametrize("name", KINDS)
def test_json_of_an_earlier_version_is_read_and_written_again_byte_by_byte(name: str) -> None:
    """Delivery keys hang on the digest of these bytes: a change would send everything again."""
    content = (STORED / f"{name}.json").read_bytes().strip()
    record = decode_record(KINDS[name], content)
    assert encode_record(record) == content


def test_amounts_are_exact_decimals_and_times_utc_after_reading() -> None:
    """Never floats, never another zone."""
    order = decode_record(Order, (STORED / "order.json").read_bytes())
    assert isinstance(order.total, Decimal)
    assert all(isinstance(line.unit_price, Decimal) for line in order.lines)
    assert order.ordered_at.tzinfo is UTC
    elsewhere = order.ordered_at.astimezone(timezone(timedelta(hours=5)))
    assert replace(order, ordered_at=elsewhere).ordered_at.tzinfo is UTC


def test_a_canceled_order_is_stored_in_the_word_of_the_views_of_history() -> None:
    """Digests of earlier versions hang on its bytes; the views name their column so, too."""
    order = decode_record(Order, (STORED / "order.json").read_bytes())
    content = encode_record(replace(order, canceled=True))
    assert b'"cancelled":true' in content
    assert decode_record(Order, content).canceled


def test_a_default_is_left_out_however_it_is_written() -> None:
    """A tax of 0.00 is the default tax of 0: equal records give equal bytes."""
    kind = ChargeKind.SHIPPING
    charges = [
        Charge(charge_id="s", kind=kind, amount=Decimal(1), tax=Decimal(tax))
        for tax in ("0", "0.00")
    ]
    assert encode_record(charges[0]) == encode_record(charges[1])
    assert b"tax" not in encode_record(charges[1])


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: replace(LEVEL, available=Decimal(-1)), "available"),
        (lambda: replace(LEVEL, on_hand=Decimal("0.00001")), "on_hand"),
        (lambda: replace(LEVEL, reserved=Decimal(10) ** 11), "reserved"),
        (lambda: replace(LEVEL, expected=Decimal("Infinity")), "expected"),
        (lambda: replace(LEVEL, sku="  "), "sku"),
        (lambda: replace(LEVEL, sku="x" * 256), "sku"),
        (lambda: replace(LEVEL, node="a\nb"), "node"),
        (lambda: replace(LEVEL, observed_at=datetime(2026, 1, 1)), "observed_at"),  # noqa: DTZ001
    ],
)
def test_what_a_record_cannot_hold_is_refused_by_its_field(
    build: Callable[[], object], field: str
) -> None:
    """On building, whichever way; the message never shows the value."""
    with pytest.raises(InvalidRecord) as refused:
        build()
    assert refused.value.field == field


@pytest.mark.parametrize(
    "content",
    [
        b'{"sku":"MUG","node":"N1","available":"-1"}',
        b'{"sku":"MUG","node":"N1","available":"many"}',
        b'{"sku":"MUG","node":"N1"}',
        b'{"sku":"MUG","node":"N1","available":"1","colour":"red"}',
        b'{"sku":"MUG","node":"N1","available":"1","observed_at":"2026-01-01T00:00:00"}',
        b"[]",
    ],
)
def test_stored_json_is_checked_as_it_is_read(content: bytes) -> None:
    """Values out of bounds, other types, missing fields and undeclared ones."""
    with pytest.raises(msgspec.ValidationError):
        decode_record(StockLevel, content)


def test_spaces_around_a_sku_are_removed() -> None:
    """Stores and OMSs show none."""
    assert replace(LEVEL, sku=" MUG ").sku == "MUG"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        *[("currency", code) for code in ("", "usd", "US", "USDX", "US1", "USD ", "UЅD")],
        *[("uom", code) for code in ("", "E A", "1EA", "EA-1", "é", "E" * 17, "EA\n")],
    ],
)
def test_a_code_of_another_form_is_refused_with_the_form(kind: str, code: str) -> None:
    """A currency has three capitals; a unit starts with a letter. A typing error is not kept."""
    order = decode_record(Order, (STORED / "order.json").read_bytes())
    with pytest.raises(InvalidRecord, match="is not of the form") as refused:
        replace(order if kind == "currency" else order.lines[0], **{kind: code})
    assert refused.value.field == kind
