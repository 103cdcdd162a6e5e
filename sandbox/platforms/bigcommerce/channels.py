"""``/v3/channels`` and ``/v3/channels/{id}`` (channels.v3.yml), read only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.platforms.bigcommerce import dates
from sandbox.platforms.bigcommerce.paging import envelope, paging_v3, text_set
from sandbox.platforms.bigcommerce.replies import json_reply, v3_error
from sandbox.system import Request, Response

Json = dict[str, Any]

AVAILABLE = ("prelaunch", "active", "inactive", "connected")
STATUSES = (*AVAILABLE, "disconnected", "archived", "deleted", "terminated")
ENABLED = ("prelaunch", "active", "connected")
TYPES = ("pos", "marketplace", "storefront", "marketing")
DEFAULT_LIMIT, MAX_LIMIT = 50, 250


class Channels:
    """A store's channels; channel 1, its own storefront, always exists."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self.channels: dict[int, Json] = {}
        self.put({"id": 1, "name": "Default storefront"})

    def put(self, given: Json) -> int:
        """Add or replace a channel; raises ValueError for an unknown field, status or type."""
        number = int(given.get("id") or max(self.channels, default=0) + 1)
        at = dates.to_iso(self._now())
        channel = {
            "id": number,
            "external_id": "",
            "is_listable_from_ui": True,
            "is_visible": True,
            "status": "active",
            "name": f"Channel {number}",
            "type": "storefront",
            "platform": "bigcommerce",
            "date_created": at,
            "date_modified": at,
            "icon_url": "https://cdn.sandbox.example/channel.svg",
            "currencies": {
                "channel_id": number,
                "enabled_currencies": ["USD"],
                "default_currency": "USD",
            },
        }
        if unknown := set(given) - set(channel):
            raise ValueError(f"a channel has no field {min(unknown)!r}")
        channel |= given
        if channel["status"] not in STATUSES or channel["type"] not in TYPES:
            raise ValueError(
                f"status {channel['status']!r} or type {channel['type']!r} of a channel is unknown"
            )
        self.channels[number] = channel | {"id": number, "is_enabled": channel["status"] in ENABLED}
        return number

    def handle(self, parts: list[str], request: Request) -> Response:
        """Answer ``/v3/channels...``; ``parts`` is the path after ``channels``."""
        wanted = request.query.get("include", [""])[-1] == "currencies"
        if request.method != "GET" or len(parts) > 1:
            return v3_error(404, "The requested resource was not found.")
        if not parts:
            return self._list(request, with_currencies=wanted)
        channel = self.channels.get(int(parts[0])) if parts[0].isdigit() else None
        if channel is None:
            return v3_error(404, f"Channel {parts[0]} was not found.")
        return json_reply({"data": _shown(channel, with_currencies=wanted), "meta": {}})

    def _list(self, request: Request, *, with_currencies: bool) -> Response:
        query = request.query
        page, limit = paging_v3(query, DEFAULT_LIMIT, MAX_LIMIT)
        found = [self.channels[number] for number in sorted(self.channels)]
        for name in ("status", "type", "platform"):
            chosen = text_set(query, f"{name}:in")
            found = [channel for channel in found if chosen is None or channel[name] in chosen]
        if "available" in query:
            available = query["available"][-1] == "true"
            found = [channel for channel in found if (channel["status"] in AVAILABLE) == available]
        shown = [
            _shown(channel, with_currencies=with_currencies)
            for channel in found[(page - 1) * limit : page * limit]
        ]
        return envelope(shown, len(found), page, limit, query)


def _shown(channel: Json, *, with_currencies: bool) -> Json:
    return {
        name: value for name, value in channel.items() if with_currencies or name != "currencies"
    }
