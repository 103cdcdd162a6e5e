"""Decodes vendors' documents into typed structs, and reports every value that does not fit.

A connector declares the documents that it reads as ``Document`` structs: exactly the fields that it
reads, in the vendor's names, each with a default. A document that fits is decoded in one pass. One
that does not fit is gone through value by value: what fits is kept, what does not is set aside (the
field keeps its default) and becomes a ``malformed_value`` with its path, so that the mapping can go
on and report its own problems beside these.

Loose forms are settled here, once for all fields, instead of in the mappings:

- ``null`` and ``""`` mean "not given" where a field has no use for them: it keeps its default.
- A number is taken as its text where a text is expected, a text of digits as its whole number.
- ``[]`` is an empty object (PHP) where an object is expected, an object is a list of one.

All of these are read by the slow path. A form that a vendor uses all the time belongs into the
field's type: ``str | None``. Amounts and times have several written forms: they stay as they are
written until the mapping reads them (``domain.parsing.scalars``), and the field's reader says
whether that can be done (``Meta(extra={"reader": ...})``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from domain.errors import Problem, RecordRejected
from domain.parsing.text import mask_digits

HIGHEST_ID = 2**63 - 1
"""Ids are 32-bit integers today; beyond 64 bits it is none, and no API could be asked for it."""
MOST_MISFITS = 10_000
"""Misfits of one document that are collected; a rejection lists the first of them."""
SHOWN = 40
"""Characters of a misfit that its problem shows, masked."""
DIGITS = 19
"""A text of this many digits does not fit into 64 bits."""

Scalar = str | int | float | bool | None
"""A value whose form the mapping checks itself, since it reports more than that it is malformed."""
Id = Annotated[int, msgspec.Meta(ge=0, le=HIGHEST_ID, description="an id")] | None
"""A numeric id; vendors write 0, ``null`` or ``""`` for none."""

_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    NoneType: "null",
}
_EXPECTED = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}
_PLAIN: frozenset[Any] = frozenset({str, bool, int, float, NoneType})
_LIMITS = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length", "tz")
"""What ``msgspec.Meta`` can require of a value."""
_ABSENT: Any = object()


class Document(msgspec.Struct, gc=False):
    """Base of a vendor's documents; every field has a default, since any may be absent.

    JSON has no cycles, so the collector need not track them.
    """


T = TypeVar("T", bound=Document)
Reader = Callable[[Any], object | None]
"""Returns the value that a written form means, or ``None`` if it can't be read."""


class Decoded(msgspec.Struct, Generic[T], frozen=True):
    """A document as far as it fits, and a problem for each value that does not."""

    document: T
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class PayloadAdvice:
    """What an operator should do about a payload that can't be read."""

    unreadable: str
    """About a payload that is not JSON or not an object: usually to capture it again."""
    malformed: str
    """About a single value."""


class PayloadDecoder(Generic[T]):
    """Decodes payloads of one kind; ``name`` is what a payload is, such as ``an order``."""

    def __init__(self, kind: type[T], name: str, advice: PayloadAdvice) -> None:
        self._kind, self._name, self._advice = kind, name, advice

    @cached_property  # all of them would take a third of the time to import the connectors
    def _decode(self) -> Callable[[bytes], T]:
        _require_defaults(self._kind)
        return msgspec.json.Decoder(self._kind).decode

    def decode(self, payload: bytes) -> Decoded[T]:
        """Decode a payload. Raises ``RecordRejected`` if it is not a JSON object."""
        try:
            return Decoded(self._decode(payload))
        except (ValueError, RecursionError):
            return self.check(payload)

    def check(self, payload: bytes) -> Decoded[T]:
        """Decode a payload value by value, and read its amounts and times, too."""
        try:
            value = msgspec.json.decode(payload)
        except (ValueError, RecursionError) as error:
            raise self._unreadable(f"the payload isn't JSON: {error}") from None
        if not isinstance(value, dict):
            raise self._unreadable(f"the payload isn't {self._name}")
        fit = _Fit(self._advice.malformed)
        return Decoded(fit.struct(value, self._kind, ""), tuple(fit.problems))

    def _unreadable(self, message: str) -> RecordRejected:
        return RecordRejected(Problem("payload_malformed", "", message, self._advice.unreadable))


def malformed(field: str, expected: str, value: object, advice: str) -> Problem:
    """Return the problem of a value of the wrong kind."""
    return Problem("malformed_value", field, f"this should be {expected}", advice, _shown(value))


def _shown(value: object) -> str:
    """Return a text masked, since it may be personal, and of any other value its kind."""
    if isinstance(value, str):
        return mask_digits(value[:SHOWN])
    return _KINDS.get(type(value), "something else")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a field's annotation allows; ``whole`` is the annotation for ``msgspec.convert``."""

    whole: Any
    struct: type[Document] | None
    item: _Shape | None
    """That of a list's items, ``None`` if no list is allowed."""
    scalars: frozenset[Any]
    plain: frozenset[Any]
    """Types that fit as they are; ``msgspec.convert`` would read the annotation each time."""
    expected: str
    reader: Reader | None
    unreadable: tuple[str, str] | None
    """Code and message for a value of the right kind that the reader can't read."""


class _Fit:
    """Fits a parsed document to its struct; the depth of the types bounds the recursion."""

    def __init__(self, advice: str) -> None:
        self.problems: list[Problem] = []
        self._advice = advice

    def struct(self, value: dict[str, Any], kind: type[T], where: str) -> T:
        """Return the struct of those of an object's values that fit."""
        fitted = {}
        for name, written, shape in _fields(kind):
            if written in value:
                found = value[written]
                if type(found) not in shape.plain or (
                    shape.reader and found not in (None, "") and shape.reader(found) is None
                ):
                    found = self._value(found, shape, f"{where}{written}")
                if found is not _ABSENT:
                    fitted[name] = found
        return kind(**fitted)

    def _value(self, value: Any, shape: _Shape, path: str) -> Any:
        if isinstance(value, dict) and shape.struct is not None:
            return self.struct(value, shape.struct, f"{path}.")
        if isinstance(value, dict) and shape.item is not None:
            return self._items([value], shape.item, path)
        if isinstance(value, list) and shape.item is not None:
            return self._items(value, shape.item, path)
        if value == [] and shape.struct is not None:
            return shape.struct()
        for candidate in _forms(value, shape.scalars):
            fits = type(candidate) in shape.plain
            try:
                found = candidate if fits else msgspec.convert(candidate, shape.whole)
            except (ValueError, RecursionError):
                continue
            if shape.reader is None or found in (None, "") or shape.reader(found) is not None:
                return found
            if shape.unreadable is not None:
                self._report(path, *shape.unreadable, value)
                return _ABSENT
        if value is not None and value != "":
            self._report(path, "malformed_value", f"this should be {shape.expected}", value)
        return _ABSENT

    def _items(self, values: list[Any], shape: _Shape, path: str) -> list[Any]:
        """Fit a list's items.

        One that does not fit becomes ``None`` if items may be so: the others keep their places.
        """
        optional, items = NoneType in shape.scalars, []
        for i, value in enumerate(values):
            where = f"{path}[{i}]"
            # Absent fields are fine, absent items are losses; PHP's empty object is one, too.
            is_empty = value == [] and shape.struct is not None
            found = _ABSENT if is_empty else self._value(value, shape, where)
            if found is not _ABSENT:
                items.append(found)
                continue
            if is_empty or value == "" or value is None:
                self._report(where, "malformed_value", f"this should be {shape.expected}", value)
            if optional:
                items.append(None)
        return items

    def _report(self, path: str, code: str, message: str, value: object) -> None:
        if len(self.problems) < MOST_MISFITS:
            self.problems.append(Problem(code, path, message, self._advice, _shown(value)))


def _forms(value: Any, scalars: frozenset[Any]) -> Iterator[Any]:
    """Return a value, and the other type that it may be read as."""
    yield msgspec.Raw(msgspec.json.encode(value)) if msgspec.Raw in scalars else value
    if type(value) in (int, float) and str in scalars:
        yield str(value)
    elif type(value) is str and int in scalars and value.isascii() and value.isdigit():
        if len(value) < DIGITS:
            yield int(value)
    elif type(value) is float and int in scalars and value.is_integer():
        yield int(value)


@lru_cache(maxsize=1024)
def _fields(kind: type[Document]) -> tuple[tuple[str, str, _Shape], ...]:
    """Return name, written name and shape of each field."""
    fields = msgspec.structs.fields(kind)
    return tuple((field.name, field.encode_name, _shape(field.type)) for field in fields)


@lru_cache(maxsize=4096)
def _shape(annotation: Any) -> _Shape:
    members, metas = _members(annotation)
    structs = [m for m in members if isinstance(m, type) and issubclass(m, Document)]
    items = [get_args(m)[0] for m in members if get_origin(m) is list]
    known = [_EXPECTED[m] for m in members if m in _EXPECTED]
    kinds = ["an object"] * bool(structs) + ["a list"] * bool(items) + known
    described = next((meta.description for meta in metas if meta.description), "")
    extra = next((meta.extra for meta in metas if meta.extra), {})
    return _Shape(
        annotation,
        structs[0] if structs else None,
        _shape(items[0]) if items else None,
        frozenset(members),
        _plain(members, metas),
        described or " or ".join(dict.fromkeys(kinds)) or _literals(members),
        extra.get("reader"),
        extra.get("unreadable"),
    )


def _members(annotation: Any) -> tuple[list[Any], list[msgspec.Meta]]:
    """Return the alternatives of an annotation, and what is noted on them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        members, metas = _members(inner)
        return members, [*(note for note in notes if isinstance(note, msgspec.Meta)), *metas]
    if origin in (Union, UnionType):
        found = [_members(member) for member in get_args(annotation)]
        return [m for members, _ in found for m in members], [m for _, ms in found for m in ms]
    return [annotation], []


def _plain(members: list[Any], metas: list[msgspec.Meta]) -> frozenset[Any]:
    is_limited = any(getattr(meta, limit) is not None for meta in metas for limit in _LIMITS)
    return frozenset() if is_limited or msgspec.Raw in members else _PLAIN.intersection(members)


def _literals(members: list[Any]) -> str:
    values = [str(v) for m in members if get_origin(m) is Literal for v in get_args(m)]
    return f"one of {', '.join(values)}" if values else "another kind of value"


@lru_cache(maxsize=1024)
def _require_defaults(kind: type[Document]) -> None:
    for field in msgspec.structs.fields(kind):
        if field.required:
            raise TypeError(f"{kind.__name__}.{field.name} needs a default")
        for inner in _inner(_shape(field.type)):
            _require_defaults(inner)


def _inner(shape: _Shape) -> list[type[Document]]:
    inner = _inner(shape.item) if shape.item is not None else []
    return inner if shape.struct is None else [shape.struct, *inner]
