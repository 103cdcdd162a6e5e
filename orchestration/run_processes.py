"""Starts the process of each run by a fork of one that has imported everything.

A code server starts runs by ``spawn``: each would import Dagster, pandas and the streams first,
which takes longer than to deliver a few orders. Python's fork server does that once. Dagster can
use it for the steps of a run (``start_method`` of its multiprocess executor), not yet for runs
(its issue 8638), so the code server's private attribute is replaced; where a future version has
none, runs are spawned as before.
"""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.context import BaseContext

SERVER = "dagster._grpc.server"
"""The module of code servers, which other processes do not need."""
ATTRIBUTE = "_mp_ctx"
FORK_SERVER = "forkserver"
PRELOADED = [
    "dagster._grpc.impl",
    "dagster_postgres",
    "httpcore",
    "pandera.backends.pandas.register",
    "resources.ledger.database.dagster_storage",
    "upath.core",
    "orchestration.definitions",
]
"""What a run imports, also late; a name that a later version does not have is passed over."""


class _Fixed:
    """An attribute that the code server's constructor, which loads the definitions, can't reset."""

    def __init__(self, context: BaseContext) -> None:
        self._context = context

    def __get__(self, server: object, owner: type | None = None) -> BaseContext:
        return self._context

    def __set__(self, server: object, value: BaseContext) -> None:
        """Keep the fork server."""


def fork_runs() -> None:
    """Let this process start runs by the fork server, if it is a code server and can."""
    module = sys.modules.get(SERVER)
    if module is None or FORK_SERVER not in multiprocessing.get_all_start_methods():
        return  # Windows has no fork
    context = multiprocessing.get_context(FORK_SERVER)
    context.set_forkserver_preload(PRELOADED)
    setattr(module.DagsterApiServer, ATTRIBUTE, _Fixed(context))
