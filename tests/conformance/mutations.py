"""Captured payloads, corrupted as JSON (other values, missing, repeated) and as bytes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import orjson

from domain.errors import Problem, RecordRejected

UNEXPECTED: tuple[Any, ...] = (
    None,
    "",
    " ",
    "x" * 3000,
    "\x00",
    "\uff11\uff12",
    "-1",
    "1e400",
    "NaN",
    "\u0663",
    "2026-02-30",
    "#/?&",
    0,
    -1,
    2**63,
    10**15,
    1.5e300,
    True,
    [],
    {},
    [[]],
    {"": {}},
    ["a"],
    "<b>",
    "🙂",
    [None],
    {"id": None},
)


def mutations(payload: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield ``count`` corrupted versions, the same ones for the same seed."""
    random, document = Random(seed), orjson.loads(payload)
    for _ in range(count):
        if random.random() < 0.15:
            yield _bytes(random, payload)
            continue
        corrupted = copy.deepcopy(document)
        for _ in range(random.choice((1, 1, 1, 2, 5))):
            _corrupt(random, corrupted)
        yield orjson.dumps(corrupted)


def refusal(call: Callable[[bytes], Any], payload: bytes) -> tuple[Problem, ...]:
    """Return the problems for which a mapping rejects a payload, none where it accepts it.

    Any other error is raised.
    """
    try:
        call(payload)
    except RecordRejected as rejected:
        return rejected.problems
    return ()


def _corrupt(random: Random, document: Any) -> None:
    holder, key = random.choice(list(_places(document)) or [(document, None)])
    if key is None:
        return
    choice = random.random()
    if choice < 0.25:
        del holder[key]
    elif choice < 0.35 and isinstance(holder, list):
        holder.append(holder[key])
    else:
        holder[key] = copy.deepcopy(random.choice(UNEXPECTED))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in inner:
        yield value, key
        yield from _places(part)


def _bytes(random: Random, payload: bytes) -> bytes:
    at = random.randrange(len(payload))
    return random.choice(
        (
            payload[:at],
            payload[:at] + b"\xff" + payload[at:],
            payload[at:],
            b"",
            b"null",
            b"[" * 3000,
            payload + payload,
        )
    )
