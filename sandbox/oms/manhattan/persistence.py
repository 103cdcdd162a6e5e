"""The tenant's whole state as bytes, so that a restart continues where it stopped."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import orjson
import zstandard

from sandbox.oms.manhattan.book import OrderRecord
from sandbox.oms.manhattan.customers import customers_in, restore_customers
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.stock import Location, Supply

Json = dict[str, Any]

_FORMAT = 1
_COLUMNS = (
    *("order_id", "updated_ms", "created_ms", "alternate_id", "org_id", "min_status", "max_status"),
    *("creates", "saves", "saved_total", "holdings", "stale_left", "correlations"),
)


def dump_state(state: State) -> bytes:
    """Serialise everything as compressed lines.

    First the header, then two lines per order: its columns, and the exact bytes of its body.
    """
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    chunks = [compressor.compress(orjson.dumps(_header(state)) + b"\n")]
    for record in state.book.records.values():
        chunks.append(
            compressor.compress(orjson.dumps(_columns(record)) + b"\n" + record.raw + b"\n")
        )
    return b"".join([*chunks, compressor.flush()])


def _header(state: State) -> Json:
    stock = state.stock
    return {
        "format": _FORMAT,
        "settings": state.settings.as_dict(),
        "clock": [state.clock.offset_ms, state.clock.frozen_ms],
        "tokens": [state.tokens.issued, state.tokens.valid_until],
        "items": state.items,
        "prices": state.prices,
        "customers": customers_in(state),
        "counts": dict(state.counts),
        "serial": state.serial,
        "locations": {name: asdict(location) for name, location in stock.locations.items()},
        "supply": {
            item: {name: _supply(row) for name, row in rows.items()}
            for item, rows in stock.supply.items()
        },
        "reserved": {item: str(quantity) for item, quantity in stock.reserved.items() if quantity},
        "allocated": [
            [item, location, str(quantity)]
            for (item, location), quantity in stock.allocated.items()
            if quantity
        ],
    }


def load_state(data: bytes, instance: str) -> State:
    """Rebuild a state from ``dump_state``; raises ValueError for another format."""
    lines = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(data), 1 << 20)
    state = State(instance)
    _take_header(state, orjson.loads(lines.readline()))
    for columns in lines:
        row = orjson.loads(columns)
        row["holdings"] = tuple(
            (item, location, quantity) for item, location, quantity in row["holdings"]
        )
        previous = row.pop("previous")
        state.book.adopt(
            OrderRecord(
                raw=lines.readline().rstrip(b"\n"), previous=previous and previous.encode(), **row
            )
        )
    return state


def _take_header(state: State, header: Json) -> None:
    if header.get("format") != _FORMAT:
        raise ValueError(
            f"a snapshot of format {header.get('format')!r} can't be restored: "
            f"this version reads {_FORMAT}"
        )
    state.settings.update(header["settings"])
    state.clock.offset_ms, state.clock.frozen_ms = header["clock"]
    state.tokens.issued, state.tokens.valid_until = header["tokens"]
    state.items = header["items"]
    state.prices = header.get("prices", {})
    restore_customers(state, header.get("customers", []))
    state.counts = Counter(header["counts"])
    state.serial = header["serial"]
    stock = state.stock
    stock.locations = {name: Location(**row) for name, row in header["locations"].items()}
    stock.supply = {
        item: {name: _to_supply(row) for name, row in rows.items()}
        for item, rows in header["supply"].items()
    }
    stock.reserved.update(
        {item: Decimal(quantity) for item, quantity in header["reserved"].items()}
    )
    stock.allocated.update(
        {(item, location): Decimal(quantity) for item, location, quantity in header["allocated"]}
    )


def _columns(record: OrderRecord) -> Json:
    # The previous version matters only while stale reads remain.
    previous = (
        record.previous.decode() if record.previous is not None and record.stale_left else None
    )
    return {**{name: getattr(record, name) for name in _COLUMNS}, "previous": previous}


def _supply(row: Supply) -> Json:
    return {
        "quantity": str(row.quantity),
        "protection": str(row.protection),
        "infinite": row.infinite,
        "expected": row.expected,
    }


def _to_supply(row: Json) -> Supply:
    return Supply(
        Decimal(row["quantity"]), Decimal(row["protection"]), row["infinite"], row["expected"]
    )
