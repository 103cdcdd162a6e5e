"""Checks of an exchange of files before its connection goes live."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.connections import CATALOG, INVENTORY, ORDERS, SHIPMENTS, Connection
from domain.errors import PermanentError
from domain.exchange import Check
from resources.oms.anchanto.files.settings import AnchantoExchange
from resources.oms.anchanto.inventory import StockList
from resources.oms.anchanto.preflight import stock_of, warehouses_of
from resources.preflight import result_of


@dataclass(frozen=True, slots=True)
class FilesPreflight:
    """The checks of one connection. Files that wait are taken, as any read takes them."""

    exchange: AnchantoExchange
    of_stock: Sequence[Path]
    """The folders that streams of stock need, and those of orders."""
    of_orders: Sequence[Path]
    stock: StockList
    connection: Connection

    def run(self) -> list[Check]:
        """Run all checks in order; without usable folders the others would say the same."""
        streams, policy = self.connection.streams, self.connection.inventory
        needs_stock = INVENTORY in streams or CATALOG in streams
        folders = [self.exchange.folder, *(self.of_stock if needs_stock else ())]
        if ORDERS in streams or SHIPMENTS in streams:
            folders += self.of_orders
        names = ", ".join(folder.name for folder in folders[1:])
        advice = f"Create it with the folders {names} in it, for Lockstep and the other program."
        checks = [result_of("folder", lambda: _usable(folders), advice)]
        if not checks[0].ok or not needs_stock:
            return checks
        return [
            *checks,
            result_of("stock", lambda: stock_of(self.stock), "Put a file into the folder stock."),
            result_of(
                "warehouses",
                lambda: warehouses_of(self.stock, policy),
                "In inventory.nodes, name warehouses of the files, by their codes.",
            ),
        ]


def _usable(folders: Sequence[Path]) -> str:
    for folder in folders:
        if not folder.is_dir():
            raise PermanentError(f"{folder} is not a folder that Lockstep can see")
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermanentError(f"{folder} can't be read and written by Lockstep")
        if folder.stat().st_mode & stat.S_IWOTH:
            raise PermanentError(f"everyone on this machine can put files into {folder}")
    return f"files are exchanged through {folders[0]}"
