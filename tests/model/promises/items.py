"""Items: a SKU that only resembles an item of the OMS gets none of its stock (docs/stock.md)."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.life import Life


def check(life: Life) -> Iterator[str]:
    """Return each SKU that sells the stock of another one's item, which was never stocked."""
    if not life.facts.spelled:
        return
    for level in life.world.ask_store("truth")["levels"]:
        if level["sku"] in life.facts.spelled and level["available"]:
            yield f"stock_of_another: {level['sku']} shows {level['available']} units"
