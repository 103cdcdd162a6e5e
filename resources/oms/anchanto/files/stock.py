"""Stock files: one row per SKU and warehouse, with the account's names of fields.

A row is captured with all of its cells unchanged, and with its file, line and the file's digest.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from domain.errors import PermanentError
from domain.identity import content_digest
from domain.skus import sku_key
from resources.oms.anchanto.files.inbox import Inbox, place_in
from resources.oms.anchanto.files.settings import AnchantoExchange
from resources.oms.anchanto.files.state import Kept, State
from resources.oms.anchanto.payload import ORIGIN
from resources.oms.anchanto.wire import AnchantoFields
from resources.sheets.archive import reason_of
from resources.sheets.reader import Form, Row, rows_of

STOCK: Final = "stock"
MOST_ROWS = 200_000
WHOLE_FILE = 0
"""The line of a fault that is the whole file's."""


class StockFiles:
    """The files of stock of one exchange."""

    def __init__(self, exchange: AnchantoExchange, fields: AnchantoFields) -> None:
        self._exchange, self.state = exchange, State(exchange.folder)
        self.inbox = Inbox(exchange, STOCK)
        names = ("sku", "warehouse_code", "available", "on_hand", "updated_at")
        column = {name: fields.name(STOCK, name).casefold() for name in names}
        self._sku, self._warehouse = column["sku"], column["warehouse_code"]
        # The wire's names may be in any case, and a header's are compared in lower case.
        self._written = {column[name]: fields.name(STOCK, name) for name in names}
        self._attributes = fields.name("answer", "attributes")
        self._form = Form(
            required=(self._sku, column["available"]),
            numbers=(column["available"], column["on_hand"]),
            moments=(column["updated_at"],),
            advice="name the account's columns under oms.wire.fields.stock",
            most_rows=MOST_ROWS,
        )

    def take_all(self) -> None:
        """Take the files that are ready. Raises ``PermanentError`` if the folder can't be."""
        self.inbox.take_all(self._take)

    def _take(self, file: Path) -> str:
        """Keep what a file says; one that can't be used is kept as one row that says why."""
        now = time.time_ns()
        # A clock that is ahead would shut out later files.
        said_at = min(file.stat().st_mtime_ns, now)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        oldest = now - int(self._exchange.keep_faults.total_seconds() * 1e9)
        try:
            with self.state.taking(said_at) as taking:
                is_clear = True
                said: dict[tuple[str, str], tuple[int, bytes]] = {}
                for row in rows_of(file, self._form):
                    taking.keep(self._kept(file, digest, row, said))
                    is_clear &= not row.problems or self._is_named(row)
                # A row that can't be read may be of a SKU that would seem to be gone.
                if self._exchange.stock == "complete" and is_clear:
                    taking.drop_others()
                taking.drop_faults(oldest)
        except PermanentError as error:
            with self.state.taking(now) as taking:
                taking.keep(self._fault_of(file, digest, reason_of(error)))
            return reason_of(error)
        return ""

    def _is_named(self, row: Row) -> bool:
        return self._sku in row.cells and self._warehouse in row.cells

    def _kept(
        self, file: Path, digest: str, row: Row, said: dict[tuple[str, str], tuple[int, bytes]]
    ) -> Kept:
        """Return a row; ``said`` has what the rows before it have said, by SKU and warehouse."""
        cells = {self._written.get(name, name): text for name, text in row.cells.items()}
        sku, plain = (
            sku_key(row.cells.get(self._sku, "")),
            msgspec.json.encode(sorted(cells.items())),
        )
        place = (
            row.cells.get(self._warehouse, "").casefold() if sku else content_digest(plain).hex()
        )
        fault = "; ".join(row.problems) or ("" if sku else "it names no SKU")
        line, before = said.setdefault((sku, place), (row.number, plain))
        if before != plain:
            said[sku, place] = line, b""  # so that a third one does not settle it
            fault = fault or f"line {line} has other values for the same SKU and warehouse"
        content = msgspec.json.encode([cells, fault])
        return Kept(sku, place, content, self._document(file, row.number, digest, cells, fault))

    def _fault_of(self, file: Path, digest: str, fault: str) -> Kept:
        row = self._document(file, WHOLE_FILE, digest, {}, fault)
        return Kept("", content_digest(row).hex(), row, row)

    def _document(
        self, file: Path, line: int, digest: str, cells: Mapping[str, str], fault: str
    ) -> bytes:
        origin = place_in(file, line, digest, fault)
        return msgspec.json.encode({self._attributes: cells, ORIGIN: origin})
