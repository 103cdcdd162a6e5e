"""Answers of an org that are refusals, are incomplete, or break the API's contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import orjson
import pytest

from domain.errors import AccessRefused, LockstepError, PermanentError, RateLimited
from domain.exchange import RawRecord
from domain.values import BEFORE_STORES, Window
from resources.platforms.salesforce.answers_payload import RESULTS
from resources.platforms.salesforce.children import extended, unfinished
from resources.platforms.salesforce.fields import Child
from resources.platforms.salesforce.levels import LevelReader
from resources.platforms.salesforce.reader import ChangesReader, Resource
from tests.resources.platforms.salesforce.orgs import client_of, settings

Json = dict[str, Any]
DAY = datetime(2026, 3, 4, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=1))
THINGS = Resource("Thing", "Id, SystemModstamp", (Child("Part", "ThingId"),))


def name_of(n: int) -> str:
    """Return a record's id."""
    return f"0xxLk{n:010d}AAA"


def stamp(hours: int) -> str:
    """Return a time, in hours from the day's start."""
    return f"{DAY + timedelta(hours=hours):%Y-%m-%dT%H:%M:%S.000+0000}"


def row(n: int, hours: int, **fields: Any) -> Json:
    """Return a record that was changed at an hour of the day."""
    return {"Id": name_of(n), "SystemModstamp": stamp(hours)} | fields


class Answers:
    """An org whose queries have fixed answers: of things, and of their parts."""

    def __init__(self, things: list[Any], parts: list[Any] | None = None, **changes: Any) -> None:
        self.rows = {"Thing": things, "Part": parts or []}
        self.composite: Any = None
        self.calls = 0
        self.reader = ChangesReader(client_of(self.answer), settings(**changes), THINGS)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a query, with all rows of the object whatever its conditions are."""
        self.calls += 1
        assert self.calls < 50, "it is read for ever"
        if request.url.path.endswith("/composite"):
            return httpx.Response(200, content=orjson.dumps({"compositeResponse": self.composite}))
        source = request.url.params["q"].partition(" FROM ")[2].split()[0]
        return httpx.Response(200, json={"done": True, "records": self.rows[source]})

    def read(self) -> list[list[RawRecord]]:
        """Read the day."""
        return list(self.reader.read(WINDOW))

    def probe(self, *answers: tuple[int, object]) -> datetime | None:
        """Look for the oldest change since the day's start, with these answers."""
        self.composite = [
            {"body": body, "httpStatusCode": status, "referenceId": f"q{n}"}
            for n, (status, body) in enumerate(answers)
        ]
        return self.reader.probe(DAY)


def test_records_of_other_windows_make_no_page() -> None:
    """A query is of whole seconds, and a record's change may be that of its child."""
    assert Answers([row(1, 25), row(2, -1)]).read() == []
    child = {"done": True, "records": [{"SystemModstamp": stamp(25)}]}
    assert Answers([row(1, 3, Parts=child)]).read() == []
    [[found]] = Answers([row(1, 25), row(2, 3)]).read()
    assert found.source_id == name_of(2)


def test_a_record_without_a_usable_id_or_time_is_captured() -> None:
    """The mapping rejects it and says why; it can't be read again by its id."""
    bad: list[Json] = [{"Id": "x'y", "SystemModstamp": stamp(1)}, {"SystemModstamp": stamp(2)}]
    [found] = Answers([*bad, row(3, 3) | {"SystemModstamp": "soon"}]).read()
    assert [record.updated_at for record in found] == [
        DAY + timedelta(hours=1),
        DAY + timedelta(hours=2),
        DAY,
    ]
    assert len({record.source_id for record in found}) == 3
    assert found[2].source_id == name_of(3)
    assert not {name_of(1), "x'y", ""} & {record.source_id for record in found}


def test_records_that_are_read_by_id_have_one() -> None:
    """Others can't be those that were asked for; a time is not needed."""
    ids = [name_of(1)]
    assert list(Answers([{"Id": None}, {"Id": "x"}]).reader.read_by_id(ids)) == []
    [[found]] = Answers([{"Id": name_of(1), "SystemModstamp": "soon"}]).reader.read_by_id(ids)
    assert (found.source_id, found.updated_at) == (name_of(1), BEFORE_STORES)


def test_a_part_without_a_parent_brings_no_record() -> None:
    """Only an id of one is asked for."""
    orphans: list[Json] = [row(n, n, ThingId=each) for n, each in enumerate((None, "x'", 7))]
    answers = Answers([], orphans)
    assert answers.read() == []
    answers.rows["Thing"] = [row(1, 25)]
    answers.rows["Part"].append(row(9, 4, ThingId=name_of(1)))
    assert answers.read() == []
    answers.rows["Thing"] = [row(1, 4)]
    assert [[each.source_id for each in page] for page in answers.read()] == [[name_of(1)]]


@pytest.mark.parametrize(
    "rows",
    [
        [row(1, 1), row(2, 2)],
        [{"SystemModstamp": stamp(1)}, {"SystemModstamp": stamp(2)}],
        [row(1, 1) | {"SystemModstamp": "soon"}, {"Id": name_of(2)}],
        [row(1, 1) | {"Id": "x'"}, row(2, 2) | {"Id": 7}],
        [1, "x"],
    ],
)
def test_a_list_that_does_not_go_on_is_an_error(rows: list[Any]) -> None:
    """The same page again, or rows that nothing can be continued behind: it has no end."""
    with pytest.raises(PermanentError, match=r"2 rows of Thing .* contract"):
        Answers(rows, page_size=2).read()


def found(*rows: Json) -> tuple[int, Json]:
    """Return the answer of a query in a composite."""
    return 200, {"done": True, "records": list(rows)}


def test_the_probe_has_the_oldest_of_all_kinds_and_never_one_before() -> None:
    """A time that can't be read is none."""
    org = Answers([])
    assert org.probe(found(row(1, 5)), found(row(2, 3))) == DAY + timedelta(hours=3)
    assert org.probe(found(row(1, -5)), found()) == DAY
    assert org.probe(found(), found()) is None
    assert org.probe(found({"SystemModstamp": "soon"}), found({"Id": "x"})) is None


LIMIT = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
INVALID = [{"errorCode": "INVALID_TYPE", "message": "sObject type 'Part' is not supported."}]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, INVALID), PermanentError),
        ((403, LIMIT), RateLimited),
        ((403, INVALID), AccessRefused),
        ((200, {"records": []}), PermanentError),
        ((200, "done"), PermanentError),
    ],
)
def test_a_probe_without_one_of_its_answers_fails(
    answer: tuple[int, object], error: type[LockstepError]
) -> None:
    """Changes of that kind would not be seen, for as long as it lasts."""
    with pytest.raises(error):
        Answers([]).probe(found(row(1, 5)), answer)


def test_a_refused_composite_is_no_probe() -> None:
    """Nor is it a day without changes."""
    reader = ChangesReader(
        client_of(lambda _: httpx.Response(400, json=INVALID)), settings(), THINGS
    )
    with pytest.raises(PermanentError, match="'Part' is not supported"):
        reader.probe(DAY)


def listing(*rows: Json, more: str = "") -> Json:
    """Return a list of children, of which ``more`` is where the rest is."""
    return {"done": not more, "records": list(rows)} | ({"nextRecordsUrl": more} if more else {})


def raw(document: object) -> msgspec.Raw:
    """Return a document as it came."""
    return msgspec.Raw(orjson.dumps(document))


def test_an_unfinished_list_is_found_at_any_level() -> None:
    """Behind whole ones, and below a row of a whole one."""
    assert unfinished(raw({"Id": "1", "A": listing({"B": listing()})})) is None
    below = listing({"C": listing()}, {"C": listing({"Id": "9"}, more="/query/2")})
    assert unfinished(raw({"A": listing({"Id": "2"}), "B": below})) == "/query/2"
    assert unfinished(raw({"A": listing(more="/query/1"), "B": below})) == "/query/1"


def test_a_text_or_a_reference_that_looks_unfinished_is_no_list() -> None:
    """Whatever a shopper has written, or a record of the org's own holds."""
    odd = {
        "Note": '{"done": false}',
        "Owner": {"done": False},
        "A": listing({"X": {"done": False}}),
    }
    assert unfinished(raw(odd)) is None
    both = raw(odd | {"B": listing(more="/query/3")})
    assert unfinished(both) == "/query/3"
    page = RESULTS.decode(orjson.dumps(listing({"Id": "1"})))
    whole = orjson.loads(bytes(extended(both, "/query/3", page)))
    assert whole["B"] == {"totalSize": 1, "done": True, "records": [{"Id": "1"}]}
    assert {name: whole[name] for name in ("Note", "Owner")} == {
        "Note": odd["Note"],
        "Owner": odd["Owner"],
    }
    assert whole["A"]["records"] == [{"X": {"done": False}}]


def test_only_the_list_of_a_locator_is_extended() -> None:
    """At its level; another unfinished one stays so, with its own locator."""
    document = {"A": listing({"B": listing({"Id": "1"}, more="/query/b")}, more="/query/a")}
    page = RESULTS.decode(orjson.dumps(listing({"Id": "2"})))
    made = orjson.loads(bytes(extended(raw(document), "/query/a", page)))
    assert [len(made["A"]["records"]), made["A"]["done"]] == [2, True]
    assert made["A"]["records"][0] == document["A"]["records"][0]
    made = orjson.loads(bytes(extended(raw(document), "/query/b", page)))
    assert (made["A"]["done"], made["A"]["nextRecordsUrl"]) == (False, "/query/a")
    [below] = made["A"]["records"]
    assert below["B"] == {"totalSize": 2, "done": True, "records": [{"Id": "1"}, {"Id": "2"}]}


def test_a_location_without_an_external_reference_holds_no_stock_of_ours() -> None:
    """Stock is addressed by it."""
    rows = [{"Id": "1", "ExternalReference": "EAST"}, {"Id": "2", "ExternalReference": None}]
    client = client_of(lambda _: httpx.Response(200, json={"done": True, "records": rows}))
    reader = LevelReader(client, settings(inventory_location="WAREHOUSE"))
    assert reader.locations() == {"default": "WAREHOUSE", "EAST": "EAST"}
