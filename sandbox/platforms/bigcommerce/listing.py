"""``GET /v2/orders`` and its count: filters, sorting and paging over the indices of orders."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import islice

from sandbox.platforms.bigcommerce import dates
from sandbox.platforms.bigcommerce.book import ID_MASK, OrderBook, Record, index_key
from sandbox.platforms.bigcommerce.replies import refuse_v2

Query = dict[str, list[str]]
Test = Callable[[Record], bool]

DEFAULT_LIMIT, MAX_LIMIT = 50, 250
REMEMBERED = 8
SORTS = (
    "id",
    "customer_id",
    "date_created",
    "date_modified",
    "status_id",
    "channel_id",
    "external_id",
)
INTEGERS = ("customer_id", "status_id", "channel_id")
TEXTS = ("email", "external_order_id", "payment_method", "cart_id")
LATEST = 1 << 40
OPEN = ((0, ID_MASK), (0, LATEST))
INDEXED = {"id": "id", "date_created": "created", "date_modified": "modified"}


def paging(query: Query, largest: int = MAX_LIMIT) -> tuple[int, int]:
    """Read ``page`` and ``limit``: 400 if not positive integers, 413 if the limit is too large."""
    page, limit = _number(query, "page", 1), _number(query, "limit", DEFAULT_LIMIT)
    if page < 1 or limit < 1:
        raise refuse_v2(400, f"The field '{'page' if page < 1 else 'limit'}' is invalid.")
    if limit > largest:
        raise refuse_v2(
            413, f"The field 'limit' is too large: {limit} asked for, {largest} allowed."
        )
    return page, limit


def _number(query: Query, name: str, default: int) -> int:
    if name not in query:
        return default
    try:
        return int(query[name][-1])
    except ValueError as reason:
        raise refuse_v2(400, f"The field '{name}' is invalid.") from reason


class Criteria:
    """Filters and sorting of one call; unknown parameters are ignored, as the vendor does.

    Date and id bounds are inclusive.
    """

    def __init__(self, query: Query) -> None:
        self.bounds = {
            "id": (_number(query, "min_id", 0), _number(query, "max_id", ID_MASK)),
            "created": (
                _epoch(query, "min_date_created", 0, math.ceil),
                _epoch(query, "max_date_created", LATEST, math.floor),
            ),
            "modified": (
                _epoch(query, "min_date_modified", 0, math.ceil),
                _epoch(query, "max_date_modified", LATEST, math.floor),
            ),
        }
        sort, _, direction = query.get("sort", ["id"])[-1].partition(":")
        if sort not in SORTS or direction not in ("", "asc", "desc"):
            raise refuse_v2(400, "The field 'sort' is invalid.")
        self.sort = sort
        self.descending = direction == "desc"
        self.tests = list(_tests(query))
        self.tests += [
            _between(name, *self.bounds[name])
            for name in self.bounds
            if self.bounds[name] not in OPEN
        ]
        self.key = repr(
            sorted(
                (name, values)
                for name, values in query.items()
                if name not in ("page", "limit", "include")
            )
        )

    def admits(self, record: Record) -> bool:
        """Return whether an order passes all filters."""
        return all(test(record) for test in self.tests)


def _epoch(query: Query, name: str, default: int, rounded: Callable[[float], int]) -> int:
    if name not in query:
        return default
    try:
        return rounded(dates.to_epoch(query[name][-1]))
    except (ValueError, OverflowError) as reason:
        raise refuse_v2(400, f"The field '{name}' is invalid.") from reason


def _tests(query: Query) -> Iterator[Test]:
    wanted = query.get("is_deleted", ["false"])[-1] == "true"
    yield lambda record: record.is_deleted == wanted
    for name in INTEGERS:
        if name in query:
            yield _equals(name, _number(query, name, 0))
    for name in TEXTS:
        if name in query:
            yield _equals(name, query[name][-1])
    for name, sign in (("min_total", 1), ("max_total", -1)):
        if name in query:
            yield _bounded(_amount(query, name), sign)


def _equals(name: str, wanted: object) -> Test:
    return lambda record: getattr(record, name) == wanted


def _between(name: str, low: int, high: int) -> Test:
    return lambda record: low <= getattr(record, name) <= high


def _amount(query: Query, name: str) -> int:
    try:
        return int(Decimal(query[name][-1]) * 10_000)
    except (InvalidOperation, ValueError, OverflowError) as reason:
        raise refuse_v2(400, f"The field '{name}' is invalid.") from reason


def _bounded(bound: int, sign: int) -> Test:
    return lambda record: (record.total - bound) * sign >= 0


class Listing:
    """Answers list calls; caches the last selections, since a client pages through the same one."""

    def __init__(self, book: OrderBook) -> None:
        self.book = book
        self._seen: dict[str, list[int]] = {}
        self._version = -1

    def page(self, query: Query) -> list[Record]:
        """Select one page of orders.

        The first page walks an index and stops when it is full; later ones slice the cached
        selection.
        """
        page, limit = paging(query)
        criteria = Criteria(query)
        name, low, high = self._narrowest(criteria)
        if page == 1 and name == INDEXED.get(criteria.sort) and not self._known(criteria):
            chosen: Iterable[int] = islice(self._walk(criteria, name, low, high), limit)
        else:
            chosen = self.select(criteria)[(page - 1) * limit : page * limit]
        return [self.book.records[number] for number in chosen]

    def select(self, criteria: Criteria) -> list[int]:
        """Return the ids of all matching orders in the requested order."""
        found = self._known(criteria)
        if found is None:
            found = self._seen[criteria.key] = self._gather(criteria)
        return found

    def _known(self, criteria: Criteria) -> list[int] | None:
        if self._version != self.book.version or len(self._seen) > REMEMBERED:
            self._version, self._seen = self.book.version, {}
        return self._seen.get(criteria.key)

    def _narrowest(self, criteria: Criteria) -> tuple[str, int, int]:
        return min(self._windows(criteria), key=lambda window: window[2] - window[1])

    def _windows(self, criteria: Criteria) -> Iterator[tuple[str, int, int]]:
        """Yield each index's part within the bounds; the sort index comes first and wins a tie."""
        own = INDEXED.get(criteria.sort, "id")
        for name in sorted(criteria.bounds, key=lambda name: name != own):
            low, high = criteria.bounds[name]
            index = self._index(name)
            if name == "id":
                yield name, bisect_left(index, low), bisect_left(index, high + 1)
            else:
                yield (
                    name,
                    bisect_left(index, index_key(low, 0)),
                    bisect_left(index, index_key(high + 1, 0)),
                )

    def _index(self, name: str) -> list[int]:
        return {
            "id": self.book.by_id,
            "created": self.book.by_created,
            "modified": self.book.by_modified,
        }[name]

    def _walk(self, criteria: Criteria, name: str, low: int, high: int) -> Iterator[int]:
        index, records = self._index(name), self.book.records
        for position in reversed(range(low, high)) if criteria.descending else range(low, high):
            number = index[position] & ID_MASK
            if criteria.admits(records[number]):
                yield number

    def _gather(self, criteria: Criteria) -> list[int]:
        name, low, high = self._narrowest(criteria)
        found = list(self._walk(criteria, name, low, high))
        attribute = INDEXED.get(criteria.sort, criteria.sort)
        if name != attribute:
            records = self.book.records
            found.sort(
                key=lambda number: (getattr(records[number], attribute), number),
                reverse=criteria.descending,
            )
        return found

    def count(self, query: Query) -> dict[int, int]:
        """Count the matching orders by status."""
        totals: dict[int, int] = {}
        for number in self.select(Criteria(query | {"sort": ["id"]})):
            status = self.book.records[number].status_id
            totals[status] = totals.get(status, 0) + 1
        return totals
