"""The OMS connectors, by the kind that a connection's ``oms.kind`` names."""

from __future__ import annotations

from domain.ports import OrderManagementSystem
from resources.connector import Connector
from resources.oms.manhattan import adapter, client
from resources.oms.manhattan.events import build_receiver as build_manhattan_receiver
from resources.oms.manhattan.personal import FACTS as MANHATTAN_FACTS
from resources.oms.manhattan.settings import ManhattanSettings

REGISTRY: dict[str, Connector[OrderManagementSystem]] = {
    client.KIND: Connector(
        ManhattanSettings, adapter.build, build_manhattan_receiver, MANHATTAN_FACTS
    ),
}
