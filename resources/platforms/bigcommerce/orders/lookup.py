"""Reads orders by their ids, neighbouring ids in one call: V2 has no filter by a list of ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import msgspec

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.parsing.payload import Document, Scalar
from domain.parsing.scalars import to_moment
from domain.reconciliation import StoreSnapshot
from domain.values import BEFORE_STORES
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.orders.enrichment import ExtrasReader, Listed
from resources.platforms.bigcommerce.orders.header import header_of, slices
from resources.platforms.bigcommerce.settings import ORDER_INCLUDES, BigCommerceSettings
from resources.platforms.bigcommerce.statuses import STATUSES

LONGEST_ID = 19
"""Digits that are certainly no id any more: V2 keeps ids in 64 bits at most."""


class FulfilmentState(Document):
    """What an order's document states of its fulfilment; ``order`` if it is enriched."""

    id: Scalar = None
    status_id: Scalar = None
    items_shipped: Scalar = None
    is_deleted: Scalar = None
    date_created: Scalar = None
    order: FulfilmentState | None = None


_fulfilments = msgspec.json.Decoder(FulfilmentState)


class OrderLookup:
    """Finds orders by id."""

    def __init__(
        self, http: ApiClient, settings: BigCommerceSettings, extras: ExtrasReader
    ) -> None:
        self._http, self._settings, self._extras = http, settings, extras

    def read(self, order_ids: Collection[str]) -> Iterator[list[RawRecord]]:
        """Yield the orders that the store has; one that the list lacks may be archived."""
        numbers = sorted({int(order_id) for order_id in order_ids if _is_id(order_id)})
        for span in spans(numbers, self._settings.page_size):
            records = self._span(span)
            found = {record.source_id for record in records}
            records += [
                record
                for number in span
                if str(number) not in found
                for record in self._archived(number)
            ]
            if records:
                yield records

    def _span(self, span: list[int]) -> list[RawRecord]:
        params: dict[str, str | int] = {
            "min_id": span[0],
            "max_id": span[-1],
            "sort": "id",
            "limit": self._settings.page_size,
        }
        rows = self._rows(f"{span[0]} to {span[-1]}", "/v2/orders", params, slices)
        wanted = set(span)
        return self._complete([row for row in rows if header_of(row)[0] in wanted])

    def _archived(self, number: int) -> list[RawRecord]:
        rows = self._rows(
            str(number),
            f"/v2/orders/{number}",
            {},
            lambda body: slices(b"[" + body + b"]") if body.strip() else [],
        )
        return self._complete(rows)

    def _rows(
        self,
        what: str,
        path: str,
        params: dict[str, str | int],
        decode: Callable[[bytes], list[msgspec.Raw]],
    ) -> list[msgspec.Raw]:
        params = params | {"include": ORDER_INCLUDES, "consignment_structure": "object"}
        if self._settings.channel_id is not None and path == "/v2/orders":
            params["channel_id"] = self._settings.channel_id
        reply = self._http.request("GET", path, params=params, decode=decode)
        if reply.status == 404:
            return []
        if not reply.ok:
            raise PermanentError(
                f"{reply.error_summary()} for orders {what}; "
                "check the token's scope store_v2_orders_read_only"
            )
        return list(reply.value or ())

    def _complete(self, rows: list[msgspec.Raw]) -> list[RawRecord]:
        listed: list[Listed] = []
        for raw in rows:
            number, moment, header = header_of(raw)
            if number is None:
                continue  # none of those that were asked for
            listed.append((raw, number, moment or BEFORE_STORES, header))
        return self._extras.complete(listed)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < LONGEST_ID


def spans(numbers: list[int], width: int) -> Iterator[list[int]]:
    """Cut ascending ids into runs within ``width`` ids, which hold at most as many orders."""
    run: list[int] = []
    for number in numbers:
        if run and number - run[0] >= width:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def to_store_snapshot(payload: bytes) -> StoreSnapshot:
    """Return the fulfilment that an order's document states; an unreadable one states none."""
    try:
        document = _fulfilments.decode(payload)
    except (ValueError, RecursionError):
        document = FulfilmentState()
    order = document if document.order is None else document.order
    status_id, units = order.status_id, order.items_shipped
    known = STATUSES.get(status_id) if type(status_id) is int else None
    return StoreSnapshot(
        str(status_id),
        known is not None and known.is_final,
        order.is_deleted is True,
        units if type(units) is int else 0,
        known.shows if known is not None else None,
        str(order.id) if type(order.id) is int else "",
        to_moment(order.date_created) if isinstance(order.date_created, str) else None,
    )
