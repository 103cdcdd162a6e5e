"""Mutations of valid JSON documents in one to three places, each repeatable by its seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import Any, NamedTuple

import orjson

from tests.bad_input.kinds import KINDS, Raw

Json = Any


KEYS = orjson.OPT_NON_STR_KEYS


class Payload(NamedTuple):
    """One bad payload: its seed, the kinds of fault in it, and its bytes."""

    seed: int
    kinds: str
    body: bytes


Places = Sequence[tuple[Any, Any]]
"""Every value in a document, as the object or list that holds it, and its key there."""
Path = tuple[Any, ...]

STRUCTURAL = (
    "drop_key",
    "repeat_entry",
    "empty_list",
    "duplicate_key",
    "swap",
    "rename_key",
    "many_entries",
    "same_id_twice",
)


class Mutator:
    """Mutates copies of a few valid documents."""

    def __init__(self, documents: Sequence[bytes]) -> None:
        self._documents = tuple(documents)
        self._paths = {each: _paths(orjson.loads(each)) for each in self._documents}

    def payloads(self, count: int, seed: int = 0) -> Iterator[Payload]:
        """Yield ``count`` bad payloads with seeds from ``seed`` on."""
        for offset in range(count):
            yield self.payload(seed + offset)

    def payload(self, seed: int) -> Payload:
        """Return the payload of a seed."""
        random = Random(seed)
        original = random.choice(self._documents)
        if random.random() < 0.08:
            kind = random.choice(BYTES)
            return Payload(seed, kind.__name__.strip("_"), kind(random, original))
        document = orjson.loads(original)
        places: Places = _PlacesByPath(document, self._paths[original])
        kinds: list[str] = []
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            if kinds:
                places = _places(document, [])
            kinds.append(_mutate(random, document, places))
        try:
            return Payload(seed, "+".join(kinds), orjson.dumps(document, option=KEYS))
        except TypeError:  # a loop, or a key that JSON can't have
            return Payload(seed, "empty", b"{}")


def _paths(value: Any, above: Path = ()) -> list[Path]:
    """Return the path of each of the places, in their order."""
    found: list[Path] = []
    inner = (
        value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    )
    for key, part in inner:
        found.append((*above, key))
        found += _paths(part, (*above, key))
    return found


class _PlacesByPath(Sequence[tuple[Any, Any]]):
    """The places of a document that is still as its paths were found: each is looked up when used.

    Finding all places of each copy took a quarter of the tests' time.
    """

    def __init__(self, document: Any, paths: Sequence[Path]) -> None:
        self._document, self._paths = document, paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: Any) -> Any:
        *above, key = self._paths[index]
        holder = self._document
        for step in above:
            holder = holder[step]
        return holder, key


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    kind = type(value)
    if kind is not dict and kind is not list:
        return found
    inner = value.items() if kind is dict else enumerate(value)
    for key, part in inner:
        found.append((value, key))
        kind = type(part)
        if kind is dict or kind is list:
            _places(part, found)
    return found


def _mutate(random: Random, document: Any, places: Places) -> str:
    if not places:
        return "nothing"
    holder, key = random.choice(places)
    if random.random() < 0.3:
        kind = random.choice(STRUCTURAL)
        _restructure(random, kind, holder, key, places)
        return kind
    chosen = random.choice(KINDS)
    value = random.choice(chosen.values)
    holder[key] = deepcopy(value) if type(value) in (dict, list) else value
    return chosen.name


def _restructure(random: Random, kind: str, holder: Any, key: Any, places: Places) -> None:
    value = holder[key]
    if kind == "drop_key":
        del holder[key]
    elif kind == "repeat_entry" and type(holder) is list:
        holder.append(value)
    elif kind == "empty_list":
        holder[key] = []
    elif kind == "duplicate_key" and type(value) is dict and value:
        name = random.choice(list(value))
        body = orjson.dumps(value, option=KEYS)
        again = orjson.dumps({name: random.choice((None, 1, "twice", -5, {}))}, option=KEYS)
        holder[key] = Raw(body[:-1] + b"," + again[1:])
    elif kind == "swap":
        other, place = random.choice(places)
        if type(value) not in (dict, list) and type(other[place]) not in (dict, list):
            holder[key], other[place] = other[place], value
    elif kind == "rename_key" and type(holder) is dict:
        del holder[key]
        holder[random.choice(("\x00", "id", "", "__proto__", "🙂", "a\nb", str(key).upper()))] = (
            value
        )
    elif kind == "many_entries" and type(value) is list and value:
        holder[key] = value * 40
    elif kind == "same_id_twice" and type(holder) is list and type(value) is dict:
        holder.append({**value, "name": "another content", "quantity": 7})


def _truncated(random: Random, body: bytes) -> bytes:
    return body[: random.randrange(len(body))]


def _flipped(random: Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(random.choice((1, 2, 8))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _inserted(random: Random, body: bytes) -> bytes:
    at = random.randrange(len(body))
    piece = random.choice(
        (
            b"\xff",
            b"\x00",
            b"\x1b[2J",
            b'"',
            b"{",
            b"]",
            b"\xef\xbb\xbf",
            b"\\u0000",
            b"\\ud800",
            b",",
            b"NaN",
            b"\n\n",
        )
    )
    return body[:at] + piece + body[at:]


def _replaced(random: Random, body: bytes) -> bytes:
    whole: tuple[bytes, ...] = (
        b"",
        b" ",
        b"null",
        b"[]",
        b"{}",
        b"true",
        b"0",
        b'""',
        b'"text"',
        b"[null]",
        b"[[]]",
        b"\x00",
        b"\xff\xfe{\x00}\x00",
        b"[" * 3000,
        b'{"a":' * 3000,
        b"[" * 1500 + b"]" * 1500,
        b'{"id":',
        b"NaN",
        b"<html>502 Bad Gateway</html>",
        b"[" + body + b"]",
        body + body,
        b'"' + body.replace(b'"', b'\\"') + b'"',
        b"\xef\xbb\xbf" + body,
        body.replace(b":", b"="),
        body.decode().encode("utf-16"),
        b"{}" * 100,
    )
    return random.choice(whole)


BYTES: tuple[Callable[[Random, bytes], bytes], ...] = (_truncated, _flipped, _inserted, _replaced)


def smallest(payload: bytes, fails: Callable[[bytes], bool], tries: int = 2_000) -> bytes:
    """Return a smaller payload that still fails, by removing parts of it."""
    try:
        document = orjson.loads(payload)
        orjson.dumps(document)
    except (orjson.JSONDecodeError, TypeError):  # no JSON, or too deep to be written again
        return payload
    place = 0
    while tries > 0:
        tries -= 1
        candidate = orjson.loads(orjson.dumps(document))
        places = _places(candidate, [])
        if place >= len(places):
            break
        holder, key = places[place]
        del holder[key]
        if fails(orjson.dumps(candidate)):
            document = candidate
        else:
            place += 1
    return orjson.dumps(document)
