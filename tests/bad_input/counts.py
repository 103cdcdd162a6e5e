"""The number of bad payloads per boundary; each test generates exactly its number."""

from __future__ import annotations

import os

SHARE = 1 if os.environ.get("LOCKSTEP_BAD_INPUT") == "all" else 5
"""One in how many payloads runs: all with ``make bad-input``, a fifth with ``make test``.

A payload is made from its number, so the fifth is the same each time.
"""


def _run(number: int) -> int:
    """Return how many of a number of payloads run."""
    return number // SHARE


STORE_ORDERS = _run(36_000)
STORE_PAGES = _run(2_000)
OMS_FULFILMENTS = _run(26_000)
OMS_STOCK = _run(20_000)
OMS_ANSWERS = _run(20_000)
OMS_SEARCHES = _run(2_000)
WEBHOOKS = _run(40_000)
"""Half of them to each side."""
CONFIGURATION = _run(2_400)
COMMAND_LINE = _run(4_000)
FILES = _run(2_000)
END_TO_END = _run(3_600)
END_TO_END_OTHERS = _run(2_400)
CUSTOMERS_EACH = _run(20_000)
"""Of each store that has customers, and of the OMS's."""
COMMERCETOOLS_ORDERS = COMMERCETOOLS_MESSAGES = _run(20_000)
COMMERCETOOLS_ANSWERS = _run(2_000)
"""To queries, of orders and of messages."""
SALESFORCE_ORDERS = SALESFORCE_CUSTOMERS = SALESFORCE_STOCK = _run(20_000)
SALESFORCE_DETAILS = _run(20_000)
"""Answers about what products refer to: parents, pictures and their addresses."""
SALESFORCE_SNAPSHOTS = _run(2_000)
SALESFORCE_RETURNS = _run(20_000)
"""Answers to the queries and composites of return orders."""
QUEUE_EVENTS = CHANGE_EVENTS = _run(20_000)
EXTENSIV_ORDERS = EXTENSIV_STOCK = EXTENSIV_SHIPMENTS = _run(20_000)
EXTENSIV_ANSWERS = _run(20_000)
ANCHANTO_ORDERS = ANCHANTO_STOCK = ANCHANTO_SHIPMENTS = _run(20_000)
ANCHANTO_ANSWERS = _run(20_000)
EXCHANGE_ROWS, EXCHANGE_FILES = _run(20_000), _run(400)
"""Rows of files of stock, statuses and shipments, and files of which a byte or a part is damaged.
"""
SHEET_ROWS, SHEET_FILES = _run(20_000), _run(400)
"""Rows of sheets of products, and files of which a byte or a part is damaged."""
PRODUCTS_EACH = _run(20_000)
"""Of each store that has the stream catalog."""
LISTING_ANSWERS_EACH = _run(20_000)
"""Answers of each store whose products are listed."""
NEW_PRODUCTS_EACH = _run(20_000)
"""Answers of each store while products are created and looked for by SKU."""
ITEMS_EACH = _run(20_000)
"""Products of each store, and items of each OMS, as stock and orders look them up by SKU."""
LISTED_ITEMS_EACH = _run(20_000)
"""Items of each OMS that states what a store shows of them."""
PRICE_LISTS_EACH = _run(20_000)
"""Answers of each store while prices are read from its lists and written."""
PRICES_EACH = PRICE_ANSWERS_EACH = _run(20_000)
"""Rows of each OMS that has prices, and answers of each store that takes them."""
RETURNS = REFUND_ANSWERS_EACH = _run(20_000)
"""Return orders of Manhattan; answers of each store, and of a payment service."""
REQUESTS_EACH = _run(20_000)
"""In Lockstep's own form, of each store that has a place for agents' requests, and twice around
them: orders with a request, and answers to outcomes."""
REQUEST_FILES = _run(2_000)

BOUNDARIES: dict[str, int] = {
    "store payloads": STORE_ORDERS + STORE_PAGES,
    "OMS payloads": OMS_FULFILMENTS + OMS_STOCK + OMS_ANSWERS + OMS_SEARCHES,
    "customers": 3 * CUSTOMERS_EACH,
    "commercetools orders": COMMERCETOOLS_ORDERS + COMMERCETOOLS_ANSWERS,
    "commercetools messages": COMMERCETOOLS_MESSAGES + COMMERCETOOLS_ANSWERS,
    "Salesforce orders": SALESFORCE_ORDERS + SALESFORCE_SNAPSHOTS,
    "Salesforce customers": SALESFORCE_CUSTOMERS,
    "Salesforce stock": SALESFORCE_STOCK,
    "Salesforce pictures": SALESFORCE_DETAILS,
    "queue events": QUEUE_EVENTS + CHANGE_EVENTS,
    "Extensiv orders": EXTENSIV_ORDERS + EXTENSIV_ANSWERS,
    "Extensiv stock": EXTENSIV_STOCK,
    "Extensiv shipments": EXTENSIV_SHIPMENTS,
    "Anchanto orders": ANCHANTO_ORDERS + ANCHANTO_ANSWERS,
    "Anchanto stock": ANCHANTO_STOCK,
    "Anchanto shipments": ANCHANTO_SHIPMENTS,
    "Anchanto files": EXCHANGE_ROWS + EXCHANGE_FILES,
    "products": 3 * PRODUCTS_EACH,
    "items": 6 * ITEMS_EACH,
    "listed items": 2 * LISTED_ITEMS_EACH,
    "new products": 2 * NEW_PRODUCTS_EACH,
    "listings": 4 * LISTING_ANSWERS_EACH,
    "prices": 2 * PRICES_EACH + 3 * PRICE_ANSWERS_EACH,
    "price lists": 3 * PRICE_LISTS_EACH,
    "returns": RETURNS + SALESFORCE_RETURNS,
    "refunds": 3 * REFUND_ANSWERS_EACH,
    "requests of agents": 5 * REQUESTS_EACH + REQUEST_FILES,
    "webhook bodies": WEBHOOKS,
    "configuration": CONFIGURATION,
    "command line": COMMAND_LINE,
    "sheets of products": SHEET_ROWS + SHEET_FILES,
    "Excel and CSV": FILES,
    "end to end": END_TO_END + END_TO_END_OTHERS,
}
LEAST = 100_000
"""The minimum of all boundaries together, with ``make bad-input``."""
LEAST_EACH = 20_000
FEWER = frozenset({"configuration", "command line", "Excel and CSV", "end to end"})
"""Boundaries with fewer: a person's input, and those that cost milliseconds each."""
LEAST_FEWER = 2_000
