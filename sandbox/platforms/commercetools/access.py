"""Tokens by client credentials, and the scopes that each call needs.

Source: platforms.md 2.1, openapi.yaml (``security`` of each path), RFC 6749.
"""

from __future__ import annotations

import base64
import secrets
import time
from typing import Any
from urllib.parse import parse_qs

from sandbox.kit.refused import Refused
from sandbox.platforms.commercetools.replies import auth_error, json_reply
from sandbox.system import Request, Response

Json = dict[str, Any]
LIFETIME = 172_800
"""Seconds that a token is valid, by the vendor's answer."""
SCOPES = (
    "manage_orders", "view_orders", "manage_payments", "view_payments", "manage_products",
    "view_products", "view_stores", "view_messages", "manage_subscriptions",
    "view_project_settings", "view_customers", "view_standalone_prices",
    "manage_standalone_prices", "view_states",
)  # fmt: skip
READS = {
    "orders": ("view_orders", "manage_orders"),
    "carts": ("view_orders", "manage_orders"),
    "payments": ("view_payments", "manage_payments"),
    "customers": ("view_customers", "manage_customers"),
    "inventory": ("view_products", "manage_products"),
    "channels": ("view_products", "manage_products", "view_channels"),
    "product-projections": ("view_products", "manage_products", "view_published_products"),
    "products": ("view_products", "manage_products"),
    "standalone-prices": ("view_standalone_prices", "manage_standalone_prices"),
    "categories": ("view_products", "manage_products", "view_categories"),
    "product-types": ("view_product_types", "view_products", "manage_products"),
    "stores": ("view_stores", "manage_stores"),
    "messages": ("view_messages",),
    "states": ("view_states", "manage_states"),
    "subscriptions": ("manage_subscriptions",),
    "": ("view_project_settings", "manage_project_settings"),
}
"""First part of the path -> the scopes of which one is enough."""
WRITES = {
    "orders": ("manage_orders",),
    "inventory": ("manage_products",),
    "products": ("manage_products",),
    "payments": ("manage_payments",),
    "standalone-prices": ("manage_standalone_prices",),
    "subscriptions": ("manage_subscriptions",),
}


class Access:
    """The API client of a project, and the tokens it was given."""

    def __init__(self, project: str) -> None:
        self._project = project
        self.client_id, self.client_secret = "lockstep", f"sandbox-secret-{project}"
        self.scopes, self.lifetime = list(SCOPES), LIFETIME
        self.tokens: dict[str, tuple[float, tuple[str, ...]]] = {}

    def token(self, request: Request) -> Response:
        """Answer ``POST /oauth/token``."""
        form = parse_qs(request.body.decode(errors="replace"))
        if not self._is_client(request.headers.get("authorization", "")):
            message = "Please provide valid client credentials using HTTP Basic Authentication."
            return auth_error(401, "invalid_client", message)
        if form.get("grant_type") != ["client_credentials"]:
            return auth_error(400, "unsupported_grant_type", "Unsupported grant_type.")
        granted = [f"{name}:{self._project}" for name in self.scopes]
        wanted = form.get("scope", [""])[0].split() or granted
        if beyond := sorted(set(wanted) - set(granted)):
            return auth_error(400, "invalid_scope", f"The scope '{beyond[0]}' is not granted.")
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.monotonic() + self.lifetime, tuple(wanted)
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "scope": " ".join(wanted),
        }
        return json_reply(answer)

    def _is_client(self, header: str) -> bool:
        kind, _, encoded = header.partition(" ")
        try:
            given = base64.b64decode(encoded).decode()
        except ValueError:
            return False
        return kind == "Basic" and given == f"{self.client_id}:{self.client_secret}"

    def check(self, request: Request, resource: str) -> None:
        """Refuse a call without a valid token (401) or without a scope for it (403)."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        expires, scopes = self.tokens.get(token, (0.0, ()))
        if kind != "Bearer" or time.monotonic() >= expires:
            raise Refused(auth_error(401, "invalid_token", "invalid_token"))
        table = READS if request.method in ("GET", "HEAD") else WRITES
        wanted = (*table.get(resource, ()), "manage_project")
        if not any(f"{name}:{self._project}" in scopes for name in wanted):
            message = f"Insufficient scope. One of the following scopes is missing: {wanted[0]}."
            raise Refused(auth_error(403, "insufficient_scope", message))
