"""Outgoing files: written completely under a temporary name, recorded, then handed out by renaming.

A file that still has its temporary name has not been handed out. One that was recorded and no
longer has it is out, wherever the other program has moved it. So a run that dies leaves no doubt.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from domain.errors import TransientError
from domain.exchange import Exchange, ExchangeLog, OutcomeUnknown, before_effect
from resources.oms.anchanto.client import KIND
from resources.oms.anchanto.files.settings import AnchantoExchange

WRITTEN, UNANSWERED = 200, 0
"""The log has statuses of HTTP: of a file that was handed out, and of one whose end is unknown."""
UNFINISHED = "."


class Outbox:
    """The outgoing files of one kind, such as orders."""

    def __init__(self, exchange: AnchantoExchange, kind: str, channel: str) -> None:
        self.folder, self._format = exchange.folder / kind, exchange.format
        self._channel = "".join(char if char.isalnum() else "-" for char in channel)

    def name_of(self, key: UUID) -> str:
        """Return the name of a delivery's file: sales channel, time and key."""
        return f"{self._channel}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{key}.{self._format}"

    def is_out(self, name: str) -> bool:
        """Return whether a file that was noted has been handed out."""
        return not self._unfinished(name).exists()

    def prepare(self, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
        """Write a file under its temporary name. Raises ``TransientError`` if that fails."""
        path, cells = self._unfinished(name), [[row.get(c, "") for c in columns] for row in rows]
        try:
            if self._format == "xlsx":
                # Here, since openpyxl takes a fifth of a second that no other system needs.
                from resources.sheets.writer import write  # noqa: PLC0415

                write(path, "orders", columns, cells)
            else:
                text = io.StringIO()
                csv.writer(text).writerows([columns, *cells])
                path.write_text(text.getvalue(), encoding="utf-8", newline="")
            with path.open("rb") as file:
                os.fsync(file.fileno())
            _confirm(self.folder)
        except OSError as error:
            text_of = f"{name} could not be written: {error.strerror}; check the folder"
            raise TransientError(f"{text_of} {self.folder.name} of oms.exchange.folder") from error

    def hand_out(self, name: str, correlation_id: str, log: ExchangeLog) -> None:
        """Rename a file to its final name. Raises ``OutcomeUnknown`` if the disk does not confirm.

        Raises what ``before_effect`` does, with the file still under its temporary name.
        """
        before_effect.get()()
        started, fault, status = time.perf_counter(), "", UNANSWERED
        try:
            _rename(self._unfinished(name), self.folder / name)
            self._confirm_out()
            status = WRITTEN
        except OSError as error:
            fault = str(error.strerror)
            raise OutcomeUnknown(
                f"the disk did not confirm that {name} was written: {fault}"
            ) from error
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            log(
                Exchange(
                    datetime.now(UTC),
                    KIND,
                    "PUT",
                    f"{self.folder.name}/{name}",
                    status,
                    milliseconds,
                    1,
                    correlation_id,
                    error=fault,
                    is_lost=status == UNANSWERED,
                )
            )

    def discard(self, name: str) -> None:
        """Remove a file that was not handed out."""
        self._unfinished(name).unlink(missing_ok=True)

    def _confirm_out(self) -> None:
        _confirm(self.folder)

    def _unfinished(self, name: str) -> Path:
        return self.folder / f"{UNFINISHED}{name}"


def _rename(path: Path, target: Path) -> None:
    try:
        path.rename(target)
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise
        # Another process has handed it out meanwhile.


def _confirm(folder: Path) -> None:
    """Wait until the disk has a folder's new names."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
