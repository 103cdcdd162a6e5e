"""What service agents ask for during a storm: cancel, hold, release, reroute.

They ask where agents of the pair's store do (docs/actions.md), and see the outcome there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson

from tests.chaos.systems import Systems

Json = dict[str, Any]
AGENT_EVERY = 3
"""Operations between two requests."""
KINDS = {
    "cancel": 3,
    "cancel_line": 2,
    "cancel_unit": 3,
    "hold": 3,
    "release": 3,
    "reroute": 3,
    "forbidden": 1,
    "again": 1,
}
"""Kind of request -> weight. ``forbidden`` is made without permission, ``again`` is made twice."""
STREETS = ("5 Oak Street", "9 Elm Street", "12 Birch Street")
ELSEWHERE = {"city": "Dallas", "state": "Texas", "postcode": "75201", "country_code": "US"}
OPERATOR, STRANGER = "operator", "intern"
"""Permission sets: the second is one that the connection does not know."""
REQUEST, OUTCOME = "lockstepRequest", "lockstepOutcome"
"""Custom fields of a project's orders."""
ACTION = "Lockstep_Action__c"
FOLDER = "requests"
"""Where agents of a store without a place of its own put their files."""


@dataclass(frozen=True)
class Asked:
    """One request."""

    action_id: str
    number: int
    kind: str
    fields: Mapping[str, str] = field(default_factory=dict)
    """Of ``line``, ``quantity`` and ``street`` what it has."""
    is_forbidden: bool = False


@dataclass(frozen=True)
class Shown:
    """What an agent sees of a request."""

    state: str
    text: str = ""


class Agents:
    """Service agents of one store."""

    def __init__(
        self, systems: Systems, counts: Counter[str], ids: Mapping[int, str], home: Path
    ) -> None:
        """``ids`` has the store's id of each order that was placed."""
        self._systems, self._counts, self._ids = systems, counts, ids
        self._folder = home / FOLDER
        self.asked: list[Asked] = []
        self._latest: dict[int, Asked] = {}
        """Order -> the last request for it."""
        self._ask: Callable[[int, str, Mapping[str, str], str], str] = {
            "salesforce": self._by_record,
            "commercetools": self._by_field,
        }.get(systems.pair.store, self._by_file)

    def operate(self, dice: Random, numbers: Sequence[int], unchanged: Sequence[int]) -> int | None:
        """Ask for something of one of the orders; return its number if units of it were to go.

        Units are canceled only if the order was not changed: else its quantity would be uncertain.
        """
        [kind] = dice.choices(list(KINDS), list(KINDS.values()))
        if kind == "again":
            self._again(dice)
            return None
        of_units = kind in ("cancel_line", "cancel_unit")
        chosen = self._free(unchanged if of_units else numbers)
        if not chosen:
            return None
        number = dice.choice(chosen)
        fields: dict[str, str] = {}
        if of_units:
            lines = self._lines(number)
            if not lines:
                return None
            fields = {"line": dice.choice(lines)}
            if kind == "cancel_unit":
                fields["quantity"] = "1"
        if kind == "reroute":
            fields = {"street": dice.choice(STREETS)}
        is_forbidden = kind == "forbidden"
        what = "cancel" if of_units or is_forbidden else kind
        permission_set = STRANGER if is_forbidden else OPERATOR
        action_id = self._ask(number, what, fields, permission_set)
        self._latest[number] = one = Asked(action_id, number, what, fields, is_forbidden)
        self.asked.append(one)
        self._counts["asked"] += 1
        return number if of_units else None

    def _lines(self, number: int) -> list[str]:
        """Return the lines of an order that goes to one address at most."""
        orders: list[Json] = self._systems.store("truth", method="GET")["orders"]
        [lines] = [row["lines"] for row in orders if str(row["id"]) == str(self._ids[number])]
        [places] = [
            row.get("places", 1) for row in orders if str(row["id"]) == str(self._ids[number])
        ]
        if places > 1:
            return []
        return [row["line"] for row in lines if "emailed" not in row and int(row["quantity"]) > 0]

    # -- where agents ask

    def _free(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return the orders that have room for a request: a project's field has one at a time."""
        if self._systems.pair.store != "commercetools":
            return numbers
        shown = self.shown() or {}
        latest = {n: self._latest[n].action_id for n in numbers if n in self._latest}
        return [n for n in numbers if n not in latest or latest[n] in shown]

    def _by_record(
        self, number: int, kind: str, fields: Mapping[str, str], permission_set: str
    ) -> str:
        row: Json = {"Order_Summary__c": self._ids[number], "Kind__c": kind}
        row |= {"profile": permission_set}
        if "line" in fields:
            row["Line__c"] = fields["line"]
        if "quantity" in fields:
            row["Quantity__c"] = int(fields["quantity"])
        if "street" in fields:
            row |= {
                "Street__c": fields["street"],
                "City__c": ELSEWHERE["city"],
                "State__c": ELSEWHERE["state"],
                "Postal_Code__c": ELSEWHERE["postcode"],
                "Country__c": ELSEWHERE["country_code"],
            }
        [made] = self._systems.store("requests", [row])["ids"]
        return str(made)

    def _by_field(
        self, number: int, kind: str, fields: Mapping[str, str], permission_set: str
    ) -> str:
        own = f"ask-{len(self.asked) + 1}"
        given = _request(own, kind, fields, permission_set)
        given["id"] = given.pop("action_id")
        custom = {"type": {"typeId": "type"}, "fields": {REQUEST: orjson.dumps(given).decode()}}
        self._systems.store(f"orders/{self._ids[number]}", {"custom": custom}, "PATCH")
        return f"{self._ids[number]}/{own}"

    def _by_file(
        self, number: int, kind: str, fields: Mapping[str, str], permission_set: str
    ) -> str:
        own = f"ask-{len(self.asked) + 1}"
        self._put_file(own, _request(own, kind, fields, permission_set) | {"order": str(number)})
        return own

    def _put_file(self, name: str, row: Json) -> None:
        """Write a file beside the folder's, and rename it when it is whole."""
        self._folder.mkdir(exist_ok=True)
        hidden = self._folder / f".{name}"
        hidden.write_bytes(orjson.dumps(row) + b"\n")
        hidden.replace(self._folder / f"{name}.jsonl")

    def _again(self, dice: Random) -> None:
        """Make a request again under its id; one that was carried out is not a second time."""
        if not self.asked:
            return
        one = dice.choice(self.asked)
        match self._systems.pair.store:
            case "salesforce":
                self._systems.store(f"put/{ACTION}", {"Id": one.action_id, "Status__c": "New"})
            case "commercetools":
                self._systems.store(f"orders/{self._ids[one.number]}/touch", {})
            case _:
                permission_set = STRANGER if one.is_forbidden else OPERATOR
                row = _request(one.action_id, one.kind, one.fields, permission_set)
                name = f"{one.action_id}-again-{self._counts['asked_again']}"
                self._put_file(name, row | {"order": str(one.number)})
        self._counts["asked_again"] += 1

    # -- where they see what came of it

    def shown(self) -> dict[str, Shown] | None:
        """Return what the store shows of requests, by their ids; ``None``: it shows nothing."""
        store = self._systems.paths.store
        match self._systems.pair.store:
            case "salesforce":
                return {
                    row["Id"]: Shown(row["Status__c"].lower(), row.get("Reason__c") or "")
                    for row in self._systems.rows(f"{store}/dump/{ACTION}")
                    if row["Status__c"] != "New"
                }
            case "commercetools":
                return dict(self._fields(store))
        return None

    def _fields(self, store: str) -> Any:
        for row in self._systems.rows(f"{store}/dump/orders"):
            text = (row.get("custom") or {}).get("fields", {}).get(OUTCOME)
            if text:
                found = orjson.loads(text)
                shown = Shown(found["state"], found.get("code", ""))
                yield f"{row['id']}/{found['id']}", shown


def _request(own: str, kind: str, fields: Mapping[str, str], permission_set: str) -> Json:
    """Return a request in Lockstep's own form."""
    given: Json = {
        "action_id": own,
        "kind": kind,
        "requested_by": "agent-7",
        "permission_set": permission_set,
        "requested_at": datetime.now(UTC).isoformat(),
    }
    given |= {name: fields[name] for name in ("line", "quantity") if name in fields}
    if "street" in fields:
        given["address"] = {"street_1": fields["street"], **ELSEWHERE}
    return given
