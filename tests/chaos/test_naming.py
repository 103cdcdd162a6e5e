"""A fault counts as named where the message log has a row of the request that it hit."""

from __future__ import annotations

import pytest

from tests.chaos.facts import Delivery, Message, Recorded
from tests.chaos.naming import Hit, unnamed

CORRELATION = "ord-1"


def _facts(endpoint: str, milliseconds: float) -> Recorded:
    message = Message(1.0, "anchanto", "POST", endpoint, 200, milliseconds, 1, "", CORRELATION)
    return Recorded(
        results={},
        deliveries=[],
        rejections=[],
        unaccounted=[],
        waiting_webhooks=0,
        stuck_runs=[],
        messages=[message],
    )


@pytest.mark.parametrize(
    ("endpoint", "milliseconds", "is_named"),
    [
        ("/orders", 1528.0, True),  # below the base address, and shorter than any part of the path
        ("/rest/v1/orders", 1528.0, True),
        ("/orders", 30.0, False),  # not the request that was delayed
        ("/orders/7/cancel", 1528.0, False),
    ],
)
def test_a_request_is_found_by_its_path_below_the_base_address(
    endpoint: str, milliseconds: float, is_named: bool
) -> None:
    """Connectors log the path below the address of their system, the sandbox the whole path."""
    hit = Hit("anchanto", "delay_after", 0, "POST", "/rest/v1/orders", CORRELATION, 2.0)
    assert hit.has_effect
    assert unnamed([hit], _facts(endpoint, milliseconds)) == ([] if is_named else [str(hit)])


STOCK, PRICES = "/inventory/adjustments/absolute", "/catalog/products"


@pytest.mark.parametrize(
    ("stream", "path", "claimed_at", "attempts", "is_named"),
    [
        ("inventory", STOCK, 310.0, 2, True),  # by the first run that wrote stock again, at 311
        ("inventory", STOCK, 310.0, 1, False),  # levels that were never tried before
        ("inventory", STOCK, 900.0, 2, False),  # by a run after it
        ("prices", PRICES, 310.0, 2, True),
        ("inventory", PRICES, 310.0, 2, False),
    ],
)
def test_a_batch_whose_sender_died_is_known_by_the_next_run_that_writes_such(
    stream: str, path: str, claimed_at: float, attempts: int, is_named: bool
) -> None:
    """However late it comes: other runs may have died before they wrote any."""
    facts = _facts("/orders", 30.0)
    facts.messages = [
        Message(at, "bigcommerce", "PUT", f"/v3{path}", 200, 30.0, 1, "", "")
        for at in (311.0, 901.0)
    ]
    facts.deliveries = [
        Delivery(stream, "MUG", "set", "delivered", attempts, "", "one-1", claimed_at)
    ]
    hit = Hit("bigcommerce", "status", 502, "PUT", f"/bigcommerce/a/stores/a/v3{path}", "", 2.0)
    assert hit.has_effect
    assert (unnamed([hit], facts) == []) is is_named
