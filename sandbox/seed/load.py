"""Reads a seed from files and posts it to a running sandbox."""

from __future__ import annotations

import gzip
import ssl
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import httpx
import orjson

from sandbox.seed import invoice_rows, invoices, olist, olist_tables
from sandbox.seed.seedset import Document, SeedSet, Unreadable

BATCH = 500
TIMEOUT = 60.0
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers")
REFUSED = (400, 422)
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""A sandbox is called without TLS; loading certificates for that takes 27 ms of CPU."""
Entry = TypeVar("Entry")


def read(path: Path) -> SeedSet:
    """Read orders from a folder of Olist tables or a CSV of invoices, whichever ``path`` is.

    A folder may also contain one CSV of invoices. Raises ValueError naming the expected layouts.
    """
    if not path.exists():
        raise ValueError(f"{path} does not exist")
    if path.name.lower().endswith(WORKBOOKS):
        raise ValueError(
            f"{path} is a workbook; save its sheet as CSV (comma, semicolon or tab; "
            "UTF-8 or Unicode text) and pass that file"
        )
    try:
        return _read(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is a damaged gzip file ({error}); nothing was loaded") from error


def _read(path: Path) -> SeedSet:
    if path.is_dir():
        if {"orders", "order_items"} & olist_tables.files(path).keys():
            return olist.read(path)
        candidates = [
            file
            for file in sorted(path.iterdir())
            if file.is_file() and _is_table(file) and invoice_rows.fits(file)
        ]
        if len(candidates) == 1:
            return invoices.read(candidates[0])
    elif _is_table(path) and invoice_rows.fits(path):
        return invoices.read(path)
    tables = ", ".join(f"{name}.csv[.gz]" for name in olist_tables.REQUIRED)
    raise ValueError(
        f"{path} contains no orders in a known layout. Expected a folder with {tables} "
        f"(the Olist tables), or one CSV (plain or .gz) with the columns "
        f"{', '.join(invoice_rows.COLUMNS)} (invoices)"
    )


def post(
    base_url: str, store_path: str, oms_path: str, seed_set: SeedSet, timeout: float = TIMEOUT
) -> dict[str, int]:
    """Post a whole seed to a running sandbox and return how many of each kind were sent.

    The paths are those of the instances, ``{kind}/{instance}``. Each store takes a seed's documents
    below ``seed/`` and writes them in its own form.
    ``refused`` counts the orders that the store refused; each is added to ``seed_set.unreadable``
    with the store's message. Raises httpx.HTTPError for any other failure.
    """
    store, oms = f"{base_url}/_sandbox/{store_path}", f"{base_url}/_sandbox/{oms_path}"
    counts = {}
    with httpx.Client(timeout=timeout, verify=NO_CERTIFICATES) as client:
        parts: tuple[tuple[str, str, list[Document]], ...] = (
            ("store_locations", f"{store}/seed/locations", seed_set.store_locations),
            ("products", f"{store}/seed/catalog", seed_set.products),
            ("customers", f"{store}/seed/customers", seed_set.customers),
            ("locations", f"{oms}/locations", seed_set.locations),
            ("items", f"{oms}/items", seed_set.items),
            ("supply", f"{oms}/supply", seed_set.supply),
        )
        for name, url, documents in parts:
            for batch in batches(documents, BATCH):
                _send(client, url, batch).raise_for_status()
            counts[name] = len(documents)
        sent = refused = 0
        for batch in batches(seed_set.documents(), BATCH):
            lost = _post_orders(client, f"{store}/seed/orders", batch, seed_set)
            sent, refused = sent + len(batch) - lost, refused + lost
    return counts | {"orders": sent, "refused": refused}


def batches(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    """Split a stream into lists of at most ``size``."""
    iterator = iter(entries)
    while batch := list(islice(iterator, size)):
        yield batch


def _post_orders(client: httpx.Client, url: str, batch: list[Document], seed_set: SeedSet) -> int:
    """Post orders; halve a refused batch until the bad order is alone, so that no other is lost."""
    response = _send(client, url, batch)
    if response.status_code not in REFUSED:
        response.raise_for_status()
        return 0
    if len(batch) == 1:
        name = batch[0].get("external_order_id") or batch[0].get("id")
        seed_set.unreadable.append(
            Unreadable(seed_set.name, 0, f"the store refused order {name}: {response.text[:200]}")
        )
        return 1
    middle = len(batch) // 2
    return _post_orders(client, url, batch[:middle], seed_set) + _post_orders(
        client, url, batch[middle:], seed_set
    )


def _send(client: httpx.Client, url: str, batch: list[Document]) -> httpx.Response:
    return client.post(
        url, content=orjson.dumps(batch), headers={"Content-Type": "application/json"}
    )


def _is_table(path: Path) -> bool:
    return path.name.lower().endswith((".csv", ".csv.gz", ".txt", ".txt.gz", ".tsv", ".gz"))
