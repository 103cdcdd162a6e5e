"""Bulk loading: COPY into a temporary table, then one INSERT, so that a repeated load changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
import zstandard
from psycopg import sql

from resources.ledger.tables import Table


def stage(
    connection: psycopg.Connection[Any], table: Table, rows: Iterable[Sequence[Any]]
) -> sql.Identifier:
    """COPY ``rows`` into a temporary table and return its name; it is emptied when the transaction ends."""
    name = sql.Identifier(f"stage_{table.name}")
    definition = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
        for column in table.columns
    )
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS").format(
            name, definition
        )
    )
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(name)) as copy,
    ):
        copy.set_types(list(table.types))
        for row in rows:
            copy.write_row(row)
    return name


_LEVEL = 3
_LARGEST = 256 * 1024 * 1024
_local = threading.local()


def compress(content: bytes) -> bytes:
    """Return ``content`` as one zstd frame. Contexts are reused per thread: making one costs more than compressing an order."""
    context: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if context is None:
        context = _local.compressor = zstandard.ZstdCompressor(
            level=_LEVEL, write_content_size=True
        )
    return context.compress(content)


def decompress(frame: bytes) -> bytes:
    """Return the content of a zstd frame made by ``compress``."""
    context: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if context is None:
        context = _local.decompressor = zstandard.ZstdDecompressor()
    return context.decompress(frame, max_output_size=_LARGEST)
