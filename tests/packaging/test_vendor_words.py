"""Nothing of a vendor is outside its connector: a new system changes no file of another one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.settings import project_root
from resources import oms, platforms

ROOT = project_root()
NEUTRAL = ("domain", "resources", "assets", "sensors", "orchestration")
CONNECTORS = ("resources/platforms/", "resources/oms/")
"""The registries beside the connectors' folders name them, too."""
SANDBOX = frozenset({"orchestration/local/simulated.py"})
"""The registry of the simulated systems that local commands start, by kind."""
FIELDS = (
    "status_id", "items_shipped", "items_total", "order_address_id", "order_product_id",
    "total_inc_tax", "total_ex_tax", "channel_id", "store_hash", "inventory_tracking",
    "OrderId", "OrderLineId", "FulfillmentDetail", "ItemId", "ViewName", "NetworkView", "OrderHold",
    "centAmount", "orderState", "shipmentState", "supplyChannel", "lastModifiedAt",
    "SystemModstamp", "OrderSummaryId", "StockKeepingUnit", "GrandTotalAmount",
    "ReadOnly", "referenceNum", "rpcRef", "customerRefNumber",
    "order_items", "manifest_number", "warehouse_code", "shipment_number", "shipped_via",
)  # fmt: skip
"""Names in the vendors' documents, any of which a problem, a query or a view might mention."""
KINDS = sorted({*platforms.REGISTRY, *oms.REGISTRY, "commercetools", "extensiv", "anchanto"})
PATTERN = re.compile(rf"(?i:{'|'.join(KINDS)}|x-auth-|store/order)|\b(?:{'|'.join(FIELDS)})\b")


def words(text: str) -> list[str]:
    """Return the vendors' words in a text."""
    return PATTERN.findall(text)


def files() -> Iterator[Path]:
    """Yield every file of the code and of the ledger's SQL that belongs to no vendor."""
    for folder in NEUTRAL:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix not in (".py", ".sql") or name.startswith(CONNECTORS):
                continue
            if name not in SANDBOX:
                yield path


def test_no_vendor_is_named_outside_its_connector() -> None:
    """Not in assets, sensors, orchestration, domain or SQL, nor in the clients that all share."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {', '.join(words(line))}"
        for path in files()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if words(line)
    ]
    assert found == []


def test_the_exceptions_exist() -> None:
    """One that has become needless is removed here, too."""
    for name in SANDBOX:
        assert words((ROOT / name).read_text("utf-8")), name
    assert len(list(files())) > 150


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('    "status_id",', ["status_id"]),
        ('kind == "bigcommerce"', ["bigcommerce"]),
        ("class ManhattanRules:", ["Manhattan"]),
        ("SELECT payload ->> 'OrderId'", ["OrderId"]),
        ("class OrderIds:", []),
        ("order_id, item_id, channel", []),
    ],
)
def test_vendors_words_are_recognised(line: str, expected: list[str]) -> None:
    """The control: the search finds names in code, texts and SQL, and no neutral ones."""
    assert words(line) == expected
