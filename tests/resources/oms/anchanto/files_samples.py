"""A folder that stands for the files of an account, and the other program that writes them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from domain.policies import InventoryPolicy
from resources.oms.anchanto.files.reader import FileReader
from resources.oms.anchanto.files.stock import StockFiles
from resources.oms.anchanto.inventory import InventorySource, StockList
from resources.oms.anchanto.settings import AnchantoSettings

HEADER = ("sku", "warehouse_code", "available")


def file_settings(folder: Path, exchange: dict[str, Any] | None = None, **changes: Any) -> Any:
    """Return settings of an account that is read by files, and make its folders."""
    (folder / "stock").mkdir(parents=True, exist_ok=True)
    section = {"folder": str(folder), "settle": "PT0S", **(exchange or {})}
    values = {"experimental": True, "account": "acme", "store_code": "WEB", "exchange": section}
    return AnchantoSettings.model_validate({**values, "snapshot_ttl": "PT0S", **changes})


def put(path: Path, *rows: Sequence[Any], header: Sequence[Any] = HEADER, age: float = 0) -> Path:
    """Write a file as another program does, ``age`` seconds ago."""
    if path.suffix == ".xlsx":
        book = Workbook()
        for row in (header, *rows):
            book.active.append(list(row))
        book.save(path)
    else:
        lines = [",".join(map(str, row)) for row in (header, *rows)]
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    moment = time.time() - age
    os.utime(path, (moment, moment))
    return path


def source_of(settings: AnchantoSettings, policy: InventoryPolicy | None = None) -> InventorySource:
    """Return the source of stock of an account that is read by files."""
    assert settings.exchange is not None
    files = StockFiles(settings.exchange, settings.wire.fields)
    stock = StockList(FileReader(files, settings.wire), settings)
    return InventorySource(stock, settings, policy or InventoryPolicy())
