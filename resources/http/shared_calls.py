"""Calls that are about several records: each record's trace has them, under its own id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from domain.exchange import Exchange, ExchangeLog


class SharedCalls:
    """Logs the exchange of a call once for each of its records, where there is a log."""

    def __init__(self, log: ExchangeLog | None) -> None:
        self._log, self._calls = log, dict[str, tuple[str, ...]]()

    def __call__(self, exchange: Exchange) -> None:
        """Log an exchange; one that belongs to no call in progress is logged as it is."""
        if self._log is None:
            return
        for one in self._calls.get(exchange.correlation_id, (exchange.correlation_id,)):
            self._log(replace(exchange, correlation_id=one))

    @contextmanager
    def about(self, correlation_ids: Iterable[str]) -> Iterator[str]:
        """Yield the id under which a call is made: that of its first record."""
        ids = tuple(dict.fromkeys(correlation_ids))
        self._calls[ids[0]] = ids
        try:
            yield ids[0]
        finally:
            del self._calls[ids[0]]
