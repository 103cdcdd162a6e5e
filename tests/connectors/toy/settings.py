"""Settings of a toy connection: where its folder is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from domain.identity import Identity
from resources.connector import SystemSettings

KIND = "toy"


class ToySettings(SystemSettings):
    """The ``oms`` section of a connection of kind ``toy``."""

    kind: Literal["toy"] = "toy"
    folder: Path

    @property
    def identity(self) -> Identity:
        """Return the folder, however its path is written."""
        account = f"{KIND} {self.folder.resolve()}"
        return Identity(account, part_name="folder", bucket=account)
