"""The reading calls of an account, answered from its files.

Every list is one page: rows that arrive meanwhile can't move others from one page to the next.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import PermanentError
from domain.skus import sku_key
from resources.oms.anchanto.files.stock import StockFiles
from resources.oms.anchanto.wire import AnchantoWire


class FileReader:
    """``resources.oms.anchanto.client.Reads`` by files."""

    def __init__(self, stock: StockFiles, wire: AnchantoWire) -> None:
        self._stock, self._wire = stock, wire

    def page(self, path: str, params: Mapping[str, object]) -> list[bytes]:
        """Return the rows of a list. Raises ``PermanentError`` if the folder can't be read."""
        if path != self._wire.paths.stocks:
            raise PermanentError(f"anchanto: {path} can't be read by files; remove oms.exchange")
        if params.get(self._wire.params.page) != 1:
            return []
        self._stock.take_all()
        asked = params.get(self._wire.params.skus or "")
        skus = {sku_key(str(sku)) for sku in asked} if isinstance(asked, list) else None
        return self._stock.state.stock(skus)
