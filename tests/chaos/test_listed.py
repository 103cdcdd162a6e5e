"""The comparison of sheets finds what is other than they asked for, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.compare import DUPLICATED, LOST, WRONG
from tests.chaos.facts import Delivery, Truths
from tests.chaos.listed import Listed
from tests.chaos.neutral import differences
from tests.chaos.sheets import Wanted
from tests.chaos.test_neutral import agreeing

CHANGED, NEW = {"sku": "MUG", "title": "Listed 1"}, {"sku": "NEW-2", "title": "Listed 2"}
SENT = Delivery("listings", "7", "update", "delivered", 1, "", "", 0.0)
FAULTY = {"sku": "LAMP", "title": "Wrong"}


def listed(*, has_ended: bool = True) -> Truths:
    """Return two systems in step after a sheet with a title and a new product."""
    wanted, facts = Wanted(), agreeing()
    results = {"MUG": "done", "NEW-2": "waits for the next run", "LAMP": "not used: no picture"}
    rows = [CHANGED, {**NEW, "price": "12.50"}, FAULTY]
    wanted.take(rows, results if has_ended else None)
    shown = {"MUG": ("Listed 1", "7"), "NEW-2": ("Listed 2", "8"), "LAMP": ("Lamp", "9")}
    facts.store["products"] = [{"sku": sku, "name": name} for sku, (name, _) in shown.items()]
    facts.listed = Listed(wanted, shown)
    facts.deliveries.append(SENT)
    return facts


def _name(place: int, name: str) -> Callable[[Truths], None]:
    def tamper(facts: Truths) -> None:
        facts.store["products"][place]["name"] = name

    return tamper


TAMPERING: dict[str, tuple[Callable[[Truths], Any], tuple[str, str]]] = {
    "a title that is not shown": (_name(0, "Mug"), (LOST, "product MUG")),
    "a new product that is missing": (
        lambda facts: facts.store["products"].pop(1),
        (LOST, "product NEW-2"),
    ),
    "a product that was made twice": (
        lambda facts: facts.store["products"].append(facts.store["products"][1]),
        (DUPLICATED, "product NEW-2"),
    ),
    "a title that was sent twice": (
        lambda facts: facts.deliveries.append(SENT),
        (DUPLICATED, "product MUG"),
    ),
    "a faulty row that was used": (_name(2, "Wrong"), (WRONG, "product LAMP")),
    "a faulty row without its reason": (
        lambda facts: facts.listed and facts.listed.wanted.take([FAULTY], {"LAMP": "done"}),
        (WRONG, "product LAMP"),
    ),
    "a change that the catalog lacks": (
        lambda facts: facts.listed and facts.listed.catalog.update(MUG=("Mug", "7")),  # type: ignore[attr-defined]
        (LOST, "product MUG"),
    ),
}


def test_what_was_asked_for_has_no_differences() -> None:
    """A command that came to no result has asked for it, or not."""
    assert differences(listed()) == []
    cut_off = listed(has_ended=False)
    cut_off.deliveries.clear()
    assert differences(cut_off) == []
    cut_off.store["products"][0]["name"] = "Mug"
    del cut_off.store["products"][1]
    assert cut_off.listed is not None
    catalog = {"MUG": ("Mug", "7"), "LAMP": ("Lamp", "9")}
    cut_off.listed = Listed(cut_off.listed.wanted, catalog)
    assert differences(cut_off) == []


@pytest.mark.parametrize("name", list(TAMPERING))
def test_what_was_tampered_with_is_reported(name: str) -> None:
    """Each change by itself, with the right kind and record."""
    tamper, expected = TAMPERING[name]
    facts = listed()
    tamper(facts)
    assert expected in {(found.kind, found.record) for found in differences(facts)}
