"""Mutations of valid JSON documents in one to three places; a seed always gives the same payload.

Values without a Python object (``NaN``, a number of 400 digits, half a surrogate pair, invalid
UTF-8, a repeated key) are inserted as raw fragments of JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

import orjson

Json = Any
Raw = orjson.Fragment
KEYS = orjson.OPT_NON_STR_KEYS


class Payload(NamedTuple):
    """One bad payload: its seed, the kinds of fault in it, and its bytes."""

    seed: int
    kinds: str
    body: bytes


@dataclass(frozen=True)
class Kind:
    """A kind of fault and its values."""

    name: str
    values: tuple[Any, ...]


def _deep(levels: int) -> Raw:
    return Raw(b"[" * levels + b"]" * levels)


TEXTS = (
    Kind("emoji", ("🙂🙃", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "e\u0301" * 40)),
    Kind(
        "right_to_left",
        ("שלום עולם", "مرحبا", "\u202eevil\u202c", "\u200f\u061c", "עברית mixed ١٢٣"),
    ),
    Kind(
        "control_characters",
        (
            "\x00",
            "a\x00b",
            "\x1b[31mred\x1b[0m",
            "\x7f",
            "\x07\x08",
            "\u2028\u2029",
            "\x85",
            "\x9b31m",
            "\ufeffx",
        ),
    ),
    Kind(
        "sql_injection",
        (
            "'; DROP TABLE sync.capture; --",
            "1 OR 1=1",
            "$$; SELECT 1; $$",
            "%s %(name)s {} {0.__class__}",
            "\\'",
        ),
    ),
    Kind(
        "log_injection",
        (
            "x\nERROR forged line",
            "x\r\n\r\nHTTP/1.1 200 OK",
            "[bold red]x[/]",
            "<script>alert(1)</script>",
            "x\t\v\fy",
        ),
    ),
    Kind(
        "path_injection",
        ("../../etc/passwd", "#/?&=%2e", "a/b\\c;d", "${jndi:ldap://x}", "{{7*7}}"),
    ),
    Kind(
        "long_text", ("x" * 3_000, "🙂" * 1_000, "0" * 5_000, " " * 4_000, "@" * 300, "1-" * 2_000)
    ),
    Kind("blank", ("", " ", "\u00a0", "\u200b", "\u3000\t\n")),
    Kind(
        "unusual_digits",
        (
            "\uff11\uff12",
            "\u0663",
            "²",
            "①",
            "1_000",
            "1,5",
            "٣٫٥",
            "0x10",
            "1e3",
            "+1",
            "--1",
            ".5",
            "5.",
        ),
    ),
    Kind(
        "invalid_utf8",
        (
            Raw(b'"\xff\xfe"'),
            Raw(b'"ab\xc3"'),
            Raw(b'"\xed\xa0\x80"'),
            Raw(b'"\xf8\x88\x80\x80\x80"'),
        ),
    ),
    Kind("lone_surrogate", (Raw(b'"\\ud800"'), Raw(b'"\\udfff x"'), Raw(b'"\\ud83d\\u0041"'))),
)
NUMBERS = (
    Kind(
        "not_a_number",
        (
            Raw(b"NaN"),
            Raw(b"Infinity"),
            Raw(b"-Infinity"),
            "NaN",
            "Infinity",
            "-inf",
            "sNaN",
            "nan",
        ),
    ),
    Kind("negative", (-1, "-1", -0.01, "-0.0001", -(10**9), "-99999999999")),
    Kind("fractional", (0.5, "0.3333333333333333", 1.000000001, "2.5", 1e-9, 0.1 + 0.2)),
    Kind("zero", (0, "0", 0.0, "-0", "0.0000", -0.0)),
    Kind(
        "huge_number",
        (
            2**31,
            2**53,
            2**63,
            2**64 - 1,
            10**15,
            1.5e300,
            "1e400",
            "9" * 30,
            "9999999999999",
            9999999999999.99,
        ),
    ),
    Kind(
        "long_number",
        (
            Raw(b"9" * 400),
            Raw(b"0." + b"1" * 400),
            Raw(b"1e400"),
            Raw(b"1e-400"),
            "9" * 400,
            "0." + "1" * 400,
            "1" * 5000,
        ),
    ),
    Kind(
        "unusual_number",
        (Raw(b"01"), Raw(b"+1"), Raw(b"1."), Raw(b".5"), Raw(b"0x1F"), Raw(b"1_0")),
    ),
)
KINDS = (
    *TEXTS,
    *NUMBERS,
    Kind(
        "wrong_type",
        (
            None,
            True,
            False,
            [],
            {},
            [[]],
            {"": {}},
            ["a"],
            [None],
            {"id": None},
            [1, 2],
            {"a": [{}]},
            1,
            "text",
            1.5,
        ),
    ),
    Kind("array_for_object", ([{}], [{"id": 1}, {"id": 1}], [[[]]], ["{}"])),
    Kind(
        "date_without_zone",
        (
            "2026-03-04T05:06:07",
            "2026-03-04",
            "Thu, 19 Mar 2026 10:00:00",
            "20260304",
            "2026-W10-3",
            "05:06",
        ),
    ),
    Kind(
        "other_century",
        (
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
            "1026-03-19T10:00:00Z",
            "Thu, 19 Mar 0026 10:00:00 +0000",
            "Fri, 19 Mar 9999 23:59:59 -1200",
            "12026-01-01T00:00:00Z",
            "1899-12-31T00:00:00Z",
            253402300800,
            -62135596801,
        ),
    ),
    Kind(
        "no_date",
        (
            "2026-02-30T10:00:00Z",
            "Thu, 32 Mar 2026 25:61:00 +0000",
            "tomorrow",
            "2026-13-01",
            "Thu, 19 Mar 2026 10:00:00 +9999",
            "2026-03-04T05:06:07+99:00",
            "Thu, 19 Mär 2026 10:00:00 +0000",
        ),
    ),
    Kind(
        "unknown_enum",
        ("teleported", "AWAITING", "enum", 99, -3, "11 ", "0.5", "None", "PHYSICAL", 12345.678),
    ),
    Kind("currency", ("eur", "XXX", "ZZZ", "US", "USDX", "€", "usd ", "U$D", "JPY", "BTC")),
    Kind("deep", (_deep(500), _deep(900), _deep(5_000), Raw(b'{"a":' * 800 + b"1" + b"}" * 800))),
    Kind("markup", ("<b>", "&amp;", "]]>", "<?xml version='1.0'?>", "=cmd|' /C calc'!A0")),
)
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
        kinds = [_mutate(random, document) for _ in range(random.choice((1, 1, 1, 2, 3)))]
        try:
            return Payload(seed, "+".join(kinds), orjson.dumps(document, option=KEYS))
        except TypeError:  # a loop, or a key that JSON can't have
            return Payload(seed, "empty", b"{}")


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    inner = (
        value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    )
    for key, part in inner:
        found.append((value, key))
        if type(part) in (dict, list):
            _places(part, found)
    return found


def _mutate(random: Random, document: Any) -> str:
    places = _places(document, [])
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


def _restructure(
    random: Random, kind: str, holder: Any, key: Any, places: list[tuple[Any, Any]]
) -> None:
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
        b"", b" ", b"null", b"[]", b"{}", b"true", b"0", b'""', b'"text"', b"[null]", b"[[]]",
        b"\x00", b"\xff\xfe{\x00}\x00", b"[" * 3000, b'{"a":' * 3000, b"[" * 1500 + b"]" * 1500,
        b'{"id":', b"NaN", b"<html>502 Bad Gateway</html>", b"[" + body + b"]", body + body,
        b'"' + body.replace(b'"', b'\\"') + b'"', b"\xef\xbb\xbf" + body, body.replace(b":", b"="),
        body.decode().encode("utf-16"), b"{}" * 100,
    )  # fmt: skip
    return random.choice(whole)


BYTES: tuple[Callable[[Random, bytes], bytes], ...] = (_truncated, _flipped, _inserted, _replaced)


def smallest(payload: bytes, fails: Callable[[bytes], bool], tries: int = 2_000) -> bytes:
    """Return a smaller payload that still fails, by removing parts of it."""
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
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
