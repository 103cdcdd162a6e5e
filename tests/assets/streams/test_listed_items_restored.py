"""Items of the OMS after a restored backup, which lacks what was written since."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from resources.ledger.monitoring.caution import become_cautious
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets.delivery.test_restored import back_up
from tests.assets.scene import Scene
from tests.assets.streams.test_listed_items import ask, configure, named, run, stock
from tests.assets.streams.test_listed_items_later import cup, edit, read_catalog, warnings

__all__ = ["cup"]
pytestmark = pytest.mark.slow

CLAY = {"ItemId": "CUP", "Description": "Cup", "LongText": "Clay"}


def copied(cup: Scene) -> Callable[[], None]:
    """Back up the ledger, and return what restores it as the documentation asks."""
    restore = back_up(cup)
    configure(cup)

    def restored() -> None:
        restore()
        configure(cup)
        with psycopg.connect(cup.database, autocommit=True) as db:
            become_cautious(db, "a test")

    return restored


def title(cup: Scene) -> str:
    """Return the title that the store shows."""
    return str(named(cup, "CUP")[0]["name"])


def written_and_taken_back(cup: Scene) -> None:
    """Give the OMS another title and its former one, with a backup of in between lost."""
    restored = copied(cup)
    stock(cup, CLAY | {"Description": "Beaker"})
    run(cup)
    assert title(cup) == "Beaker"
    stock(cup, CLAY)
    restored()
    read_catalog(cup)
    run(cup)


def test_a_value_written_since_the_backup_is_not_taken_for_an_edit(cup: Scene) -> None:
    """Whose it is can't be known: an operator decides, and asking for the item writes the OMS's."""
    written_and_taken_back(cup)
    assert title(cup) == "Beaker"
    assert cup.open_rejections("listings") == {"item:CUP": "listing_edit_doubtful"}
    assert "listing_edit_kept" not in warnings(cup, "CUP")

    ask(cup, "CUP")
    run(cup)

    assert title(cup) == "Cup"
    assert cup.open_rejections("listings") == {}


def test_a_discard_says_that_it_was_edited_in_the_store(cup: Scene) -> None:
    """The edit stays with the next version as well, which brings its own change."""
    written_and_taken_back(cup)
    with psycopg.connect(cup.database, autocommit=True) as db:
        found = work_queue.find(db, RejectionFilter(stream="listings"))
        operator_actions.discard(db, found, "ann", "the merchant has edited it")
    stock(cup, CLAY | {"LongText": "Fine clay"})
    run(cup)
    [shown] = named(cup, "CUP")
    assert (shown["name"], shown["description"]) == ("Beaker", "Fine clay")
    assert cup.open_rejections("listings") == {}
    assert "listing_edit_kept" in warnings(cup, "CUP")


def test_an_edit_that_was_known_before_the_backup_stays(cup: Scene) -> None:
    """The ledger has it; and what differs only since the OMS's change is written."""
    edit(cup, "CUP", name="Mug")
    run(cup)
    restored = copied(cup)
    restored()
    stock(cup, CLAY | {"LongText": "Fine clay"})
    run(cup)
    [shown] = named(cup, "CUP")
    assert (shown["name"], shown["description"]) == ("Mug", "Fine clay")
    assert cup.open_rejections("listings") == {}
    assert "listing_edit_kept" in warnings(cup, "CUP")


def test_the_catalog_of_a_restored_ledger_is_not_believed(cup: Scene) -> None:
    """It shows the former title, so that the product seemed to need no write."""
    restored = copied(cup)
    stock(cup, CLAY | {"Description": "Beaker"})
    run(cup)
    stock(cup, CLAY, price="6.00")
    restored()
    configure(cup, weight_factor="2")
    run(cup)
    assert cup.open_rejections("listings") == {"item:CUP": "listing_edit_doubtful"}
