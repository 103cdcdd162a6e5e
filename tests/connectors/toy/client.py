"""The folder: ``orders/<id>.json``, ``stock.csv`` and ``shipments.jsonl``.

Another program, here the test, plays the warehouse: it writes the stock and adds shipments.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import msgspec
import orjson

from domain.errors import PermanentError, TransientError
from domain.exchange import Exchange, ExchangeLog, OutcomeUnknown
from tests.connectors.toy.settings import KIND

WRITTEN, UNANSWERED = 200, 0
"""The log has statuses of HTTP: of a write that was made, and of one whose end is not known."""


class _OrderOf(msgspec.Struct):
    order: str


_ORDER_OF = msgspec.json.Decoder(_OrderOf)


class Files:
    """Reads and writes one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.orders = folder, folder / "orders"
        self.stock, self.shipments = folder / "stock.csv", folder / "shipments.jsonl"

    def order_files(self) -> Iterator[Path]:
        """Yield the files of all orders."""
        yield from sorted(self.orders.glob("*.json"))

    def order(self, order_id: str) -> bytes | None:
        """Return an order's file, ``None`` if there is none. Raises ``TransientError``."""
        return _read(self._path(order_id))

    def rows(self) -> list[bytes]:
        """Return the rows of stock, without the head."""
        return (_read(self.stock) or b"").splitlines()[1:]

    def shipments_by_order(self) -> dict[str, list[bytes]]:
        """Return the lines of shipments by order.

        Raises ``PermanentError`` for a line that does not say whose it is: it may be of any order.
        """
        found: dict[str, list[bytes]] = {}
        for number, line in enumerate((_read(self.shipments) or b"").splitlines(), 1):
            try:
                found.setdefault(_ORDER_OF.decode(line).order, []).append(line)
            except (ValueError, RecursionError) as error:
                text = f"{self.shipments.name}:{number} names no order; correct the line"
                raise PermanentError(text) from error
        return found

    def write(self, order: Mapping[str, object], correlation_id: str, log: ExchangeLog) -> None:
        """Replace an order's file, whole or not at all.

        Raises ``TransientError`` if nothing was written, and ``OutcomeUnknown`` where the disk
        does not confirm it.
        """
        path, started = self._path(str(order["id"])), time.perf_counter()
        fault, status = "", UNANSWERED
        try:
            with path.with_suffix(".new").open("wb") as file:
                file.write(orjson.dumps(order))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise TransientError(f"{path.name} could not be written: {error.strerror}") from error
        try:
            path.with_suffix(".new").replace(path)
            confirm(path.parent)
            status = WRITTEN
        except OSError as error:
            fault = str(error.strerror)
            text = f"{path.name} was replaced, and the disk did not confirm it: {fault}"
            raise OutcomeUnknown(text) from error
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            log(
                Exchange(
                    datetime.now(UTC),
                    KIND,
                    "PUT",
                    f"orders/{path.name}",
                    status,
                    milliseconds,
                    1,
                    correlation_id,
                    error=fault,
                    is_lost=status == UNANSWERED,
                )
            )

    def _path(self, order_id: str) -> Path:
        return self.orders / f"{quote(order_id, safe='')}.json"


def confirm(folder: Path) -> None:
    """Wait until the disk has a folder's new names."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TransientError(f"{path.name} could not be read: {error.strerror}") from error
