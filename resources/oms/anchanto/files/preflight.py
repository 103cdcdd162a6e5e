"""Checks of an exchange of files before its connection goes live."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from domain.connections import InventoryPolicy
from domain.errors import PermanentError
from domain.exchange import Check
from resources.oms.anchanto.files.inbox import Inbox
from resources.oms.anchanto.files.settings import AnchantoExchange
from resources.oms.anchanto.inventory import StockList
from resources.oms.anchanto.preflight import stock_of, warehouses_of
from resources.preflight import result_of


@dataclass(frozen=True, slots=True)
class FilesPreflight:
    """The checks of one connection. Files that wait are taken, as any read takes them."""

    exchange: AnchantoExchange
    inbox: Inbox
    stock: StockList
    policy: InventoryPolicy

    def run(self) -> list[Check]:
        """Run all checks in order; without a usable folder the others would say the same."""
        folder = result_of(
            "folder",
            self._folder,
            "Create it with a folder stock in it, for Lockstep's user and the other program only.",
        )
        if not folder.ok:
            return [folder]
        policy = self.policy
        return [
            folder,
            result_of("stock", lambda: stock_of(self.stock), "Put a file into the folder stock."),
            result_of(
                "warehouses",
                lambda: warehouses_of(self.stock, policy),
                "Name in inventory.nodes warehouses of the files, by their codes.",
            ),
        ]

    def _folder(self) -> str:
        for folder in (self.exchange.folder, self.inbox.folder):
            if not folder.is_dir():
                raise PermanentError(f"{folder} is no folder that Lockstep can see")
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise PermanentError(f"{folder} can't be read and written by Lockstep")
            if folder.stat().st_mode & stat.S_IWOTH:
                raise PermanentError(f"everyone on this machine can put files into {folder}")
        return f"files are taken from {self.inbox.folder}"
