"""The OMS connectors, by the kind that a connection's ``oms.kind`` names."""

from __future__ import annotations

from domain.ports import OrderManagementSystem
from resources.connector import Connector
from resources.oms.anchanto import adapter as anchanto
from resources.oms.anchanto.client import KIND as ANCHANTO
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.extensiv import adapter as extensiv
from resources.oms.extensiv.client import KIND as EXTENSIV
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.manhattan import adapter as manhattan
from resources.oms.manhattan.client import KIND as MANHATTAN
from resources.oms.manhattan.events import build_receiver as build_manhattan_receiver
from resources.oms.manhattan.settings import ManhattanSettings

REGISTRY: dict[str, Connector[OrderManagementSystem]] = {
    MANHATTAN: Connector(
        ManhattanSettings,
        manhattan.build,
        build_manhattan_receiver,
        manhattan.SOURCES,
        manhattan.TARGETS,
    ),
    ANCHANTO: Connector(AnchantoSettings, anchanto.build, None, anchanto.SOURCES, anchanto.TARGETS),
    EXTENSIV: Connector(ExtensivSettings, extensiv.build, None, extensiv.SOURCES, extensiv.TARGETS),
}
