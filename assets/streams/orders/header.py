"""What a captured order states before it is mapped."""

from __future__ import annotations

from contextlib import suppress

from domain.errors import RecordRejected
from domain.exchange import Skipped
from domain.rules.export import OrderHeader
from domain.sources import OrderSource


def header_of(source: OrderSource, payload: bytes) -> OrderHeader | None:
    """Return what the rules look at; ``None`` if the order has no status that they know.

    Raises ``RecordRejected``.
    """
    headers: list[OrderHeader] = []

    def decide(header: OrderHeader) -> Skipped:
        headers.append(header)
        return Skipped("", "")

    source.to_canonical(payload, decide)
    return headers[0] if headers else None


def is_of_other_part(source: OrderSource, payload: bytes) -> bool:
    """Return whether an order is of a channel or store that the connection does not serve.

    One that can't be read is not: its rejection is to be seen.
    """
    with suppress(RecordRejected):
        header = header_of(source, payload)
        return header is not None and bool(header.other_part)
    return False
