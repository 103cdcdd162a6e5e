"""Further documents of an order, read only where the list doesn't carry what the OMS needs.

Transactions by the setting ``fetch_transactions``, products where the included lines don't cover
the order, coupons where no line names the code, refunds where Lockstep makes some and units may
be refunded that have not shipped. An order with extras becomes ``{"order": ...,
"transactions": ...}``, each part with the bytes that the store sent.

A part that the store fails to give of one order, while it answers for others, is named in
``unread``: that order is rejected and read again later, and its window goes on.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime

import msgspec

from domain.errors import LockstepError, PermanentError, RateLimited, TransientError
from domain.exchange import RawRecord
from domain.identity import fallback_id
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.client import require_scope
from resources.platforms.bigcommerce.orders.header import ListedOrder, slices
from resources.platforms.bigcommerce.settings import AUTHORIZED, BigCommerceSettings

Listed = tuple[msgspec.Raw, int | None, datetime, ListedOrder | None]


class ExtrasReader:
    """Completes listed orders; ``exported`` are the statuses in which an order goes out."""

    def __init__(
        self,
        http: ApiClient,
        settings: BigCommerceSettings,
        exported: Collection[str],
        *,
        makes_refunds: bool = False,
    ) -> None:
        self._http, self._settings, self._exported = http, settings, frozenset(exported)
        self._makes_refunds = makes_refunds
        self._pool = ThreadPoolExecutor(
            settings.read_concurrency, thread_name_prefix="bigcommerce-extras"
        )

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def complete(self, listed: list[Listed]) -> list[RawRecord]:
        """Return a page's orders as records, in their order; their extras are read side by side."""
        records: list[RawRecord] = []
        reading: dict[int, Future[bytes]] = {}
        for raw, number, moment, head in listed:
            payload = bytes(raw)
            name = str(number) if number else fallback_id(payload)
            if number and head is not None and (wanted := self._wanted(head)):
                reading[len(records)] = self._pool.submit(
                    copy_context().run, self._compound, payload, number, wanted
                )
            records.append(RawRecord(name, moment, payload))
        for at, compound in reading.items():
            listed_only = records[at]
            records[at] = RawRecord(
                listed_only.source_id, listed_only.updated_at, compound.result()
            )
        return records

    def _wanted(self, head: ListedOrder) -> list[str]:
        wanted = ["refunds"] if self._makes_refunds and head.has_refunds() else []
        if str(head.status_id) not in self._exported:
            return wanted
        policy = self._settings.fetch_transactions
        if policy == "all" or (policy == "authorized" and head.payment_status in AUTHORIZED):
            wanted.append("transactions")
        if head.lacks_lines():
            wanted.append("products")
        if head.lacks_codes():
            wanted.append("coupons")
        return wanted

    def _compound(self, order: bytes, number: int, wanted: list[str]) -> bytes:
        parts = [b'{"order":', order]
        unread: list[str] = []
        for name in wanted:
            path = _path(number, name)
            try:
                body = self._list(path) if path.startswith("/v2/") else self._of_payments(path)
            except RateLimited:
                raise
            except TransientError:
                if not self._answers_for_another(number, name):
                    raise
                unread.append(name)
                continue
            parts += [b',"', name.encode(), b'":', body]
        if unread:
            parts += [b',"unread":', msgspec.json.encode(unread)]
        return b"".join([*parts, b"}"])

    def _answers_for_another(self, number: int, name: str) -> bool:
        """Return whether the store gives the same part of the order before, or says there is none.

        Then the fault is this order's own; else the store's, and the window is read again.
        """
        try:
            reply = self._http.request("GET", _path(number - 1 or number + 1, name))
        except LockstepError:
            return False
        return reply.ok or reply.status == 404

    def _of_payments(self, path: str) -> bytes:
        reply = self._http.request("GET", path)
        if reply.status in (204, 404):  # an order that was not paid at a gateway
            return b"[]"
        require_scope(reply, "store_v2_transactions_read_only")
        return reply.body or b"[]"

    def _list(self, path: str) -> bytes:
        rows: list[msgspec.Raw] = []
        seen: set[bytes] = set()
        page = 1
        while True:
            reply = self._http.request(
                "GET", path, params={"page": page, "limit": self._settings.page_size}, decode=slices
            )
            if reply.status == 404:
                return b"[]"
            require_scope(reply, "store_v2_orders_read_only")
            found: list[msgspec.Raw] = reply.value or []
            if found and bytes(found[0]) in seen:
                raise PermanentError(
                    f"BigCommerce: GET {path} gave page {page} twice: it ignores the page, "
                    "trying again won't help"
                )
            rows += found
            seen.update(bytes(row) for row in found[:1])
            if not found:
                return b"[" + b",".join(bytes(row) for row in rows) + b"]"
            page += 1


def _path(number: int, name: str) -> str:
    match name:
        case "transactions":
            return f"/v3/orders/{number}/transactions"
        case "refunds":
            return f"/v3/orders/{number}/payment_actions/refunds"
        case _:
            return f"/v2/orders/{number}/{name}"
