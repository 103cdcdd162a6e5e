"""All records of an org: by id, by external id, by parent, and in order of their last change."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sandbox.platforms.salesforce.clock import Clock
from sandbox.platforms.salesforce.schema import OBJECTS

Json = dict[str, Any]
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def full_id(short: str) -> str:
    """Return an id of 15 characters with the three that make it safe where case is ignored."""
    parts = (short[0:5], short[5:10], short[10:15])
    return short + "".join(
        _CHECK[sum(1 << n for n, letter in enumerate(part) if letter.isupper())] for part in parts
    )


class Book:
    """The records of one org. A record keeps its type under ``attributes``, as it is shown."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, dict[str, Json]] = {name: {} for name in OBJECTS}
        self._order: dict[str, list[tuple[str, str]]] = {name: [] for name in OBJECTS}
        self._keys: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(dict)
        self._children: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(dict)
        self._numbers: Counter[str] = Counter()
        self._journal: list[tuple[str, str, Json | None]] | None = None

    def rows(self, name: str, *, deleted: bool = False) -> Iterator[Json]:
        """Yield all records of an object, by time of change and id."""
        yield from self.since(name, "", deleted=deleted)

    def since(self, name: str, stamp: str, *, deleted: bool = False) -> Iterator[Json]:
        """Yield records from a time of change on, in its order."""
        order = self._order[name]
        for _, identifier in order[bisect_left(order, (stamp, "")) :]:
            row = self._rows[name][identifier]
            if deleted or not row["IsDeleted"]:
                yield row

    def get(self, name: str, identifier: str) -> Json | None:
        """Return a record by its id of 15 or 18 characters."""
        return self._rows[name].get(full_id(identifier) if len(identifier) == 15 else identifier)

    def by_key(self, name: str, field: str, value: str) -> list[Json]:
        """Return the records with an external id."""
        found = self._keys[name, field].get(value, ())
        return [row for each in found if not (row := self._rows[name][each])["IsDeleted"]]

    def taken_key(self, name: str, values: Json, own: str | None) -> str:
        """Return the external id whose value another record has; empty where none has."""
        for field in OBJECTS[name].external_ids:
            value = values.get(field)
            found = self.by_key(name, field, value) if isinstance(value, str) else []
            if any(row["Id"] != own for row in found):
                return field
        return ""

    def children(self, name: str, reference: str, parent: str) -> list[Json]:
        """Return the records of an object that refer to a parent, in the order of their ids."""
        found = self._children[name, reference].get(parent, ())
        return [row for each in sorted(found) if not (row := self._rows[name][each])["IsDeleted"]]

    def ids_of_children(self, name: str, reference: str, parents: Iterable[str]) -> list[str]:
        """Return the ids of all records that refer to any of some parents."""
        index = self._children[name, reference]
        return [each for parent in parents for each in index.get(parent, ())]

    def new_id(self, name: str) -> str:
        """Return the next id of an object; ids ascend."""
        self._numbers[name] += 1
        return full_id(f"{OBJECTS[name].prefix}Lk{self._numbers[name]:010d}")

    def put(self, name: str, values: Json, *, at: str | None = None) -> Json:
        """Store a new record, or change one by its id; return it."""
        now, kind = at or self._clock.now(), OBJECTS[name]
        before = self._rows[name].get(values.get("Id", ""))
        if before is None:
            row: Json = dict.fromkeys(sorted(kind.fields))
            row |= {each: False for each, type_ in kind.types.items() if type_ == "boolean"}
            row |= {"Id": self.new_id(name), "IsDeleted": False, "CreatedDate": now}
            if (numbered := kind.numbered)[0]:
                row[numbered[0]] = numbered[1].format(self._numbers[name])
        else:
            row = dict(before)
            self._forget(name, before)
        row |= values
        row |= {"SystemModstamp": now, "LastModifiedDate": now}
        if self._journal is not None:
            self._journal.append((name, row["Id"], before))
        self._keep(name, row)
        return row

    def begin(self) -> None:
        """Note what changes from now on, so that it can be taken back."""
        self._journal = []

    def end(self, *, takes_back: bool) -> None:
        """Keep what has changed since ``begin``, or take all of it back."""
        journal, self._journal = self._journal or [], None
        for name, identifier, before in reversed(journal) if takes_back else ():
            self._forget(name, self._rows[name].pop(identifier))
            if before is not None:
                self._keep(name, before)

    def _keep(self, name: str, row: Json) -> None:
        kind = OBJECTS[name]
        self._rows[name][row["Id"]] = row
        insort(self._order[name], (row["SystemModstamp"], row["Id"]))
        for field in kind.external_ids:
            if row[field] is not None:
                self._keys[name, field].setdefault(row[field], []).append(row["Id"])
        for field in kind.parents:
            if row[field] is not None:
                self._children[name, field].setdefault(row[field], []).append(row["Id"])

    def _forget(self, name: str, row: Json) -> None:
        order = self._order[name]
        del order[bisect_left(order, (row["SystemModstamp"], row["Id"]))]
        kind = OBJECTS[name]
        for index, fields in ((self._keys, kind.external_ids), (self._children, kind.parents)):
            for field in fields:
                if row[field] is not None:
                    index[name, field][row[field]].remove(row["Id"])

    def state(self) -> Json:
        """Return all records and counts."""
        rows = {name: list(rows.values()) for name, rows in self._rows.items()}
        return {"rows": rows, "numbers": dict(self._numbers)}

    def restore(self, state: Json) -> None:
        """Restore what ``state`` returned."""
        for name, rows in state["rows"].items():
            for row in rows:
                self.put(name, row, at=row["SystemModstamp"])
        self._numbers = Counter(state["numbers"])
