"""Orders with their shipments, read from files; ``orders/lists.py`` reads them from the API."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import msgspec

from domain.exchange import RawRecord
from domain.identity import fallback_id, is_id
from domain.values import Window
from resources.oms.anchanto.files.order_files import OrderFiles
from resources.oms.anchanto.files.orders_state import Known
from resources.oms.anchanto.files.outbox import Outbox
from resources.oms.anchanto.payload import ORIGIN, join_order
from resources.oms.anchanto.settings import AnchantoSettings


class FileOrders:
    """The orders of one exchange: those that were sent, and those that files name."""

    def __init__(self, files: OrderFiles, outbox: Outbox, settings: AnchantoSettings) -> None:
        fields, self._new = settings.wire.fields, settings.create_status
        self._files, self._state, self._outbox = files, files.state, outbox
        self._number = fields.name("order", "number")
        self._status = fields.name("order", "status")
        self._changed = fields.name("order", "updated_at")

    def oldest_since(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``, or ``None``."""
        self._files.take_all()
        return self._state.oldest_since(since)

    def changed_in(self, window: Window) -> Iterator[list[RawRecord]]:
        """Yield the orders that changed in the window, and rows that name none."""
        if window.is_empty:
            return
        self._files.take_all()
        faults = self._state.faults(window.since, window.until)
        if faults:
            yield [RawRecord(fallback_id(row), changed, row) for row, changed in faults]
        if records := self._records(self._state.changed(window.since, window.until)):
            yield records

    def read(self, numbers: Collection[str]) -> list[RawRecord]:
        """Return those of the orders that are known."""
        self._files.take_all()
        return self._records(self._state.orders([n for n in dict.fromkeys(numbers) if is_id(n)]))

    def _records(self, orders: list[Known]) -> list[RawRecord]:
        """Return the orders but those whose file has not been handed out."""
        known = [each for each in orders if each.file is None or self._outbox.is_out(each.file)]
        shipments = self._state.shipments([each.number for each in known])
        return [
            RawRecord(
                each.number, each.changed_at, join_order(self._row(each), shipments[each.number])
            )
            for each in known
        ]

    def _row(self, order: Known) -> bytes:
        """Return an order as it was sent, with what a file has said about it since."""
        attributes = self._files.attributes
        fields = {} if order.content is None else msgspec.json.decode(order.content)
        fields.setdefault(self._status, self._new)
        fields |= {self._number: order.number, self._changed: order.changed_at.isoformat()}
        if order.status is None:
            return msgspec.json.encode({attributes: fields})
        document = msgspec.json.decode(order.status)
        cells = document[attributes]
        fields[self._status] = cells.get(self._status)
        # What the file says besides is captured, and replaces nothing of what was sent.
        origin = {**document[ORIGIN], "cells": cells}
        return msgspec.json.encode({attributes: fields, ORIGIN: origin})
