"""No list of streams is repeated: a new stream is declared once, and all others follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.streams import KINDS
from orchestration.settings import project_root

ROOT = project_root()
FOLDERS = ("resources", "assets", "sensors", "orchestration")
NAMES = "|".join(KINDS)
PATTERN = re.compile(rf"""(["'])(?:{NAMES})\1\s*,\s*(["'])(?:{NAMES})\2""")
EXEMPT = ("resources/ledger/migrations/", "resources/platforms/", "resources/oms/")
"""What migrations have done is not done again; each connector declares the streams that it has."""
SECTIONS = "resources/fingerprint.py"
"""Lists the sections of a connection's rules, of which some are named after a stream."""


def lists(text: str) -> list[str]:
    """Return where a text names two streams one after the other."""
    return [match.group() for match in PATTERN.finditer(text)]


def files() -> Iterator[Path]:
    """Yield the code and the SQL that is above the declaration of streams."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in (".py", ".sql") and not name.startswith(EXEMPT):
                yield path


def test_no_list_of_streams_is_repeated() -> None:
    """SQL joins ``sync.stream``; Python asks ``domain.streams`` or the connection."""
    found = {
        path.relative_to(ROOT).as_posix(): lists(text)
        for path in files()
        if lists(text := path.read_text("utf-8"))
    }
    assert found.keys() == {SECTIONS}


@pytest.mark.parametrize(
    ("text", "is_list"),
    [
        ("stream IN ('orders', 'shipments')", True),
        ('STREAMS = ("shipments",\n    "inventory")', True),
        ("stream = 'orders' OR stream = 'stock'", False),
        ('sources["orders"], targets["shipments"]', False),
    ],
)
def test_lists_of_streams_are_recognised(text: str, *, is_list: bool) -> None:
    """The control: names one by one, which state a role, are none."""
    assert bool(lists(text)) is is_list
