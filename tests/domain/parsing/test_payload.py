"""Documents that fit, documents that do not, and what is reported of them."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

import msgspec
import orjson
import pytest

from domain.errors import MOST_PROBLEMS, WHOLE_RECORD, Problem, RecordRejected
from domain.parsing.payload import (
    Decoded,
    Document,
    Id,
    PayloadAdvice,
    PayloadDecoder,
    Scalar,
    _shape,
)
from domain.parsing.scalars import WrittenAmount, WrittenTime

ADVICE = PayloadAdvice("capture it again", "look at it in the store")


class Line(Document):
    """A line."""

    id: Id = None
    sku: str = ""
    price: WrittenAmount = None
    count: int = 0
    kind: Literal["good", "gift"] | None = None


class Place(Document):
    """Where it goes."""

    city: str | None = None
    lines: list[Line | None] = []


class Parcel(Document):
    """A list that the vendor also writes as one object."""

    lines: list[Line] = []


class Sale(Document, rename="camel"):
    """A document with all forms."""

    id: Id = None
    is_paid: bool = False
    placed_at: WrittenTime = None
    status: Scalar = None
    place: Place | None = None
    parcels: list[Parcel] = []


SALES = PayloadDecoder(Sale, "a sale", ADVICE)
GOOD: dict[str, Any] = {
    "id": 7,
    "isPaid": True,
    "placedAt": "Thu, 19 Mar 2026 10:00:00 +0000",
    "status": 3,
    "place": {"city": "Lima", "lines": [{"id": 1, "sku": "A", "price": "1.50", "count": 2}]},
    "parcels": [{"lines": [{"sku": "B"}]}],
    "other": {"deeply": [{"unread": None}]},
}


def check(document: object) -> Decoded[Sale]:
    """Decode a document value by value."""
    return SALES.check(orjson.dumps(document))


def problems(document: object) -> dict[str, Problem]:
    """Return a document's problems by their paths."""
    return {problem.field: problem for problem in check(document).problems}


def test_a_document_that_fits_is_decoded_the_same_in_either_way() -> None:
    """The fast path and the value-by-value one agree."""
    payload = orjson.dumps(GOOD)
    assert SALES.decode(payload) == SALES.check(payload)
    assert SALES.decode(payload).problems == ()
    assert SALES.decode(payload).document.parcels[0].lines == [Line(sku="B")]


def test_all_misfits_are_reported_at_once_with_their_paths() -> None:
    """In the vendor's names, with what is expected; the rest of the document is kept."""
    lines = [{"id": -1, "sku": []}, 5, {"price": "1,5", "count": "x", "kind": "toy", "sku": "C"}]
    found = SALES.decode(
        orjson.dumps(
            {
                "id": 7,
                "isPaid": "no",
                "placedAt": "yesterday",
                "place": {"city": {}, "lines": lines},
            }
        )
    )
    assert {problem.field: problem.message for problem in found.problems} == {
        "isPaid": "this should be true or false",
        "placedAt": "this isn't a date",
        "place.city": "this should be a text",
        "place.lines[0].id": "this should be an id",
        "place.lines[0].sku": "this should be a text",
        "place.lines[1]": "this should be an object",
        "place.lines[2].price": "this should be an amount such as 12.50",
        "place.lines[2].count": "this should be a whole number",
        "place.lines[2].kind": "this should be one of good, gift",
    }
    assert {p.code for p in found.problems} == {"malformed_value", "date_invalid"}
    assert {problem.advice for problem in found.problems} == {ADVICE.malformed}
    assert found.document.id == 7
    assert found.document.place == Place(lines=[Line(), None, Line(sku="C")])


def test_loose_forms_are_read_without_a_problem() -> None:
    """Null, empty texts, numbers as texts and the reverse, PHP's empty objects, lists of one."""
    found = check(
        {
            "id": "12",
            "isPaid": None,
            "placedAt": "",
            "place": [],
            "parcels": {"lines": {"sku": 5, "count": "3", "id": "", "price": "", "kind": None}},
        }
    )
    assert found.problems == ()
    assert found.document == Sale(
        id=12,
        placed_at="",
        place=Place(),
        parcels=[Parcel(lines=[Line(sku="5", price="", count=3)])],
    )


def test_a_missing_item_of_a_list_is_reported_and_the_others_are_kept() -> None:
    """An absent field means "not given"; an absent item means that something was lost."""
    found = SALES.decode(
        orjson.dumps(GOOD | {"parcels": [None, {"lines": [{"sku": "B"}]}, "", []]})
    )
    assert [problem.field for problem in found.problems] == [
        "parcels[0]",
        "parcels[2]",
        "parcels[3]",
    ]
    assert found.document.parcels == [Parcel(lines=[Line(sku="B")])]


def test_values_are_shown_masked_and_objects_by_their_kind() -> None:
    """A value in the wrong place may be personal."""
    shown = problems({"id": "jane.doe@example.com", "isPaid": {"name": "Jane"}})
    assert (shown["id"].value, shown["isPaid"].value) == ("****@****.***", "an object")


class Demanding(Document):
    """A document with a field that must be given."""

    name: str


class Outer(Document):
    """A document that holds such documents."""

    inner: list[Demanding | None] = []


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"7", b"null", b'"x"', b"[" * 100_000, b'{"a":' * 100_000, b'{"id":"\xff"}'],
)
def test_what_is_no_json_object_is_rejected(payload: bytes) -> None:
    """With an advice of its own; depth without end is no crash."""
    with pytest.raises(RecordRejected) as rejected:
        SALES.decode(payload)
    (problem,) = rejected.value.problems
    assert (problem.code, problem.advice) == ("payload_malformed", ADVICE.unreadable)


def test_depth_in_a_field_that_is_read_is_a_misfit_or_no_json() -> None:
    """Recursion ends with the declared types."""
    deep: object = []
    for _ in range(200):
        deep = [deep]
    assert problems({"place": {"lines": [{"sku": deep}]}}).keys() == {"place.lines[0].sku"}


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 400, b"1" + b"0" * 30])
def test_numbers_beyond_all_measure_are_no_ids(number: bytes) -> None:
    """What no double holds makes the payload unreadable; a very long integer is a misfit."""
    payload = b'{"id":' + number + b"}"
    try:
        problems = SALES.decode(payload).problems
    except RecordRejected as rejected:
        problems = rejected.problems
    assert [(p.code, p.field) for p in problems] in (
        [("payload_malformed", WHOLE_RECORD)],
        [("malformed_value", "id")],
    )


def test_a_zero_byte_is_a_character_like_others() -> None:
    """Whether a text may hold it is for the mapping to decide."""
    found = SALES.decode(orjson.dumps({"place": {"city": "a\x00b"}}))
    assert found.document.place == Place(city="a\x00b")


@pytest.mark.no_cover
def test_ten_thousand_misfits_cost_their_number_and_make_one_readable_rejection() -> None:
    """Nothing grows with their square; the rejection lists the first and counts the rest."""

    def seconds(count: int) -> float:
        payload = orjson.dumps({"place": {"lines": [{"id": "x"}] * count}})
        best = 60.0
        for _ in range(3):
            started = time.process_time()
            found = SALES.decode(payload)
            best = min(best, time.process_time() - started)
            assert len(found.problems) == min(count, 10_000)
        return best

    assert seconds(10_000) < 30 * seconds(1_000)
    found = SALES.decode(orjson.dumps({"place": {"lines": [{"id": "x"}] * 50_000}}))
    assert len(found.problems) == 10_000
    assert len(RecordRejected(*found.problems).problems) == MOST_PROBLEMS + 1


def test_every_field_of_a_document_needs_a_default() -> None:
    """The mapping assesses what is missing; a struct that demands a field is a mistake."""
    with pytest.raises(TypeError, match="Demanding.name needs a default"):
        PayloadDecoder(Outer, "an outer", ADVICE).decode(b"{}")


@pytest.mark.parametrize(
    "annotation",
    [
        *(str, str | None, int, int | None, float, bool, bool | None, int | str, Scalar, Id),
        *(WrittenAmount, WrittenTime, Literal["good"] | None, list[int], dict[str, Any], Line),
        Annotated[str, msgspec.Meta(max_length=2)],
        Annotated[str, msgspec.Meta(pattern="^a")] | None,
        Annotated[float, msgspec.Meta(gt=1)] | int,
    ],
    ids=lambda annotation: str(annotation).partition("extra=")[0],  # which has addresses
)
def test_what_is_taken_as_it_is_is_what_would_be_read(annotation: Any) -> None:
    """A value of a plain type is not looked at again, so the annotation must allow all of them."""
    values = ["", "good", "abc", 0, -1, 7, 2**63, 2**70, 0.5, -2.0, 1e300, True, False, None]
    taken = [value for value in values if type(value) in _shape(annotation).plain]
    assert [msgspec.convert(value, annotation) for value in taken] == taken
    assert (str in _shape(str | None).plain, _shape(Id).plain) == (True, frozenset())
