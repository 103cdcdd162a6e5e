"""Kinds of faults in a JSON value, and values of each kind.

Values without a Python object (``NaN``, a number of 400 digits, half a surrogate pair, invalid
UTF-8, a repeated key) are raw fragments of JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

Raw = orjson.Fragment


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
