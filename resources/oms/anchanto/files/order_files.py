"""Incoming files about orders: their statuses, and their shipments with one row per SKU.

A file describes each shipment completely: its rows with one number are that shipment, in order.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from domain.errors import PermanentError
from domain.identity import is_id
from resources.oms.anchanto.files.inbox import Inbox, place_in
from resources.oms.anchanto.files.orders_state import OrdersState, TakingOrders
from resources.oms.anchanto.files.settings import AnchantoExchange
from resources.oms.anchanto.files.stock import WHOLE_FILE
from resources.oms.anchanto.payload import ORIGIN
from resources.oms.anchanto.wire import AnchantoFields
from resources.sheets.archive import reason_of
from resources.sheets.reader import Form, Row, rows_of

STATUSES, SHIPMENTS = "statuses", "shipments"
MOST_ROWS = 50_000
ADVICE = "name the account's columns under oms.wire.fields"


class OrderFiles:
    """The files about orders of one exchange."""

    def __init__(self, exchange: AnchantoExchange, fields: AnchantoFields) -> None:
        self.state = OrdersState(exchange.folder)
        self.statuses, self.shipments = Inbox(exchange, STATUSES), Inbox(exchange, SHIPMENTS)
        self.attributes = fields.name("answer", "attributes")
        number, status = fields.name("order", "number"), fields.name("order", "status")
        self._number = number.casefold()
        self._order_names = {name.casefold(): name for name in (number, status)}
        self._order_form = Form(
            (self._number, status.casefold()),
            moments=(fields.name("order", "updated_at").casefold(),),
            advice=f"{ADVICE}.order",
            most_rows=MOST_ROWS,
        )
        renames = fields.of("shipment")
        known = (
            "order_number",
            "shipment_number",
            "tracking_number",
            "carrier_code",
            "carrier_name",
            "manifest_number",
            "status",
            "shipped_at",
        )
        names = {name: fields.name("shipment", name) for name in known}
        self._names = {name.casefold(): name for name in names.values()}
        self._items = fields.name("shipment", "items")
        units = [renames.get(f"items.{name}") or name for name in ("sku", "quantity")]
        self._units = {name.casefold(): name for name in units}
        self._order, self._shipment = (
            names[name].casefold() for name in ("order_number", "shipment_number")
        )
        self._form = Form(
            (self._order, self._shipment, names["status"].casefold(), *self._units),
            numbers=(units[1].casefold(),),
            moments=(names["shipped_at"].casefold(),),
            advice=f"{ADVICE}.shipment",
            most_rows=MOST_ROWS,
        )

    def take_all(self) -> None:
        """Take the files that are ready. Raises ``PermanentError`` if a folder can't be."""
        self.statuses.take_all(self._take_statuses)
        self.shipments.take_all(self._take_shipments)

    def _take_statuses(self, file: Path) -> str:
        return self._take(file, self._order_form, self._keep_statuses)

    def _take_shipments(self, file: Path) -> str:
        return self._take(file, self._form, self._keep_shipments)

    def _take(self, file: Path, form: Form, keep: Keep) -> str:
        """Keep what a file says; one that can't be used is kept as one row that says why."""
        said_at = min(file.stat().st_mtime_ns, time.time_ns())
        origin = _Origin(file, hashlib.sha256(file.read_bytes()).hexdigest())
        try:
            with self.state.transaction() as database:
                keep(TakingOrders(database, said_at), origin, list(rows_of(file, form)))
        except PermanentError as error:
            with self.state.transaction() as database:
                row = self._document({}, origin.at(WHOLE_FILE, reason_of(error)))
                TakingOrders(database, said_at).fault(row, row)
            return reason_of(error)
        return ""

    def _keep_statuses(self, taking: TakingOrders, origin: _Origin, rows: list[Row]) -> None:
        for row in rows:
            cells = {self._order_names.get(name, name): text for name, text in row.cells.items()}
            number, content = row.cells.get(self._number, ""), _content(row)
            document = self._document(cells, origin.of(row, number))
            if is_id(number):
                taking.status(number, content, document)
            else:
                taking.fault(content, document)

    def _keep_shipments(self, taking: TakingOrders, origin: _Origin, rows: list[Row]) -> None:
        together: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            number = row.cells.get(self._order, "")
            if is_id(number):
                together.setdefault((number, row.cells.get(self._shipment, "")), []).append(row)
            else:
                names = self._names | self._units
                cells = {names.get(name, name): text for name, text in row.cells.items()}
                taking.fault(_content(row), self._document(cells, origin.of(row, number)))
        for (number, shipment), some in together.items():
            content = b"".join(_content(row) for row in some)
            taking.shipment(number, shipment, content, self._shipment_of(some, origin))

    def _shipment_of(self, rows: list[Row], origin: _Origin) -> bytes:
        """Return a shipment's document; rows that contradict each other are its fault."""
        heads = [
            {
                self._names.get(name, name): text
                for name, text in row.cells.items()
                if name not in self._units
            }
            for row in rows
        ]
        units = [
            {self._units[name]: text for name, text in row.cells.items() if name in self._units}
            for row in rows
        ]
        faults = [problem for row in rows for problem in row.problems]
        faults += [
            f"the shipment's rows differ in {name}"
            for name in self._names.values()
            if len({head.get(name, "") for head in heads}) > 1
        ]
        place = origin.at(rows[0].number, "; ".join(faults))
        return self._document({**heads[0], self._items: units}, place)

    def _document(self, cells: Mapping[str, object], origin: Mapping[str, object]) -> bytes:
        return msgspec.json.encode({self.attributes: cells, ORIGIN: origin})


class _Origin(NamedTuple):
    """The file that is being taken."""

    file: Path
    digest: str

    def at(self, line: int, fault: str) -> dict[str, object]:
        """Return where a row stands, and what is wrong with it."""
        return place_in(self.file, line, self.digest, fault)

    def of(self, row: Row, number: str) -> dict[str, object]:
        """Return where a row of an order stands, and what is wrong with its cells."""
        fault = "; ".join(row.problems) or ("" if is_id(number) else "it names no order")
        return self.at(row.number, fault)


def _content(row: Row) -> bytes:
    return msgspec.json.encode([sorted(row.cells.items()), bool(row.problems)])


Keep: TypeAlias = Callable[[TakingOrders, _Origin, list[Row]], None]
