"""A scene between a BigCommerce store and an Anchanto account that is read by files."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path
from typing import Any

from tests.pairs.anchanto_scene import AnchantoScene, Json

FOLDERS = ("stock", "statuses", "shipments", "orders", "cancellations")


class AnchantoFilesScene(AnchantoScene):
    """The connection ``acme`` between the sandbox's store and a folder of the test."""

    _moment = 0.0

    @property
    def folder(self) -> Path:
        """Return the folder of the exchange."""
        return self._secrets / "exchange"

    def section(self) -> Json:
        """Return the section ``oms``: files, of which none grows."""
        for name in FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        return {
            "kind": "anchanto",
            "experimental": True,
            "account": self.store,
            "store_code": "WEB",
            "exchange": {"folder": str(self.folder), "settle": "PT0S"},
            "snapshot_ttl": "PT0S",
        }

    def to_oms(self, path: str, body: Any, method: str = "POST") -> Json:
        """Write a complete file of stock for ``supply``; no other program plays the account."""
        del method
        if path == "supply":
            rows = [
                f"{row['item']},{row.get('location', 'EAST')},{row['quantity']}" for row in body
            ]
            self.put("stock/stock.csv", "sku,warehouse_code,available", *rows)
        return {}

    def handed_out(self, kind: str) -> list[list[Json]]:
        """Take the files that went out, and return the rows of each."""
        taken = []
        for path in sorted((self.folder / kind).glob("[!.]*.csv")):
            taken.append(list(csv.DictReader(path.read_text("utf-8").splitlines())))
            path.unlink()
        return taken

    def put(self, name: str, *lines: str) -> Path:
        """Write a file that is newer than all before it."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([*lines, ""]), encoding="utf-8")
        self._moment = max(self._moment + 0.001, time.time() - 60)
        os.utime(file, (self._moment, self._moment))
        return file
