"""The control of both simulated systems of a chaos run."""

from __future__ import annotations

from typing import Any

import httpx
import orjson

from orchestration.local.simulated import PAIR, Pair
from sandbox.kit.truth import Truth

Json = dict[str, Any]


class Systems:
    """The control of both simulated systems, which have the same name."""

    def __init__(self, url: str, name: str, pair: Pair = PAIR) -> None:
        self.url, self.name, self.pair = url, name, pair
        self.paths = pair.paths(name)
        self.http = httpx.Client(base_url=f"{url}/_sandbox", timeout=120)

    def store(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Make a control call of the store."""
        return self.call(method, f"{self.paths.store}/{path}", body)

    def oms(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Make a control call of the OMS."""
        return self.call(method, f"{self.paths.oms}/{path}", body)

    def rows(self, path: str) -> list[Json]:
        """Read an NDJSON list, such as ``{kind}/{name}/effects/orders``."""
        answer = self.http.get(f"/{path}").raise_for_status()
        return [orjson.loads(line) for line in answer.content.splitlines() if line.strip()]

    def truths(self) -> tuple[Truth, Truth]:
        """Return what the store and what the OMS really hold."""
        return self.store("truth", method="GET"), self.oms("truth", method="GET")

    def call(self, method: str, path: str, body: Any) -> Any:
        """Make a control call; raises ``httpx.HTTPStatusError`` where it is refused."""
        answer = self.http.request(
            method, f"/{path}", content=None if body is None else orjson.dumps(body)
        )
        answer.raise_for_status()
        return orjson.loads(answer.content)

    def close(self) -> None:
        """Give the connections back."""
        self.http.close()
