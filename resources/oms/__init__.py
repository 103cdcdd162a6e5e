"""The OMS connectors, by the name that a connection's ``oms.kind`` gives."""

from __future__ import annotations

from domain.ports import OrderManagementSystem
from resources.connector import Connector
from resources.oms.manhattan import adapter
from resources.oms.manhattan.events import build_receiver as build_manhattan_receiver
from resources.oms.manhattan.settings import ManhattanSettings

REGISTRY: dict[str, Connector[OrderManagementSystem]] = {
    adapter.KIND: Connector(ManhattanSettings, adapter.build, build_manhattan_receiver),
}
