"""Tokens of an org: by client credentials, or by an assertion that a private key signs.

Source: platforms.md 3.1; OAuth 2.0 JWT Bearer Flow (remoteaccess_oauth_jwt_flow). A refusal is
``{error, error_description}``, whose words may change: they select the advice, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import httpx

from domain.errors import PermanentError
from resources.http.oauth import OAuthGrant, OAuthTokens
from resources.http.rs256 import SigningKey, signed
from resources.platforms.salesforce.settings import (
    ASSERTION_SECONDS,
    DOMAINS,
    TOKEN_SECONDS,
    SalesforceSettings,
)

PRE_AUTHORISE = (
    "pre-authorise the app for platform.username: the app's policy is 'Admin approved users are "
    "pre-authorized', and a permission set or profile of that user is assigned to it"
)
AUDIENCE = (
    "set platform.audience to the org's My Domain, or to https://login.salesforce.com, or "
    "https://test.salesforce.com for a sandbox"
)
KEY = (
    "platform.private_key must be the key of the certificate that the app has (Use digital "
    "signatures), and platform.username a user of this org"
)
ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
OF_ASSERTIONS = (
    ("approved this consumer", PRE_AUTHORISE),
    ("audience", AUDIENCE),
    ("app_not_found", "check client_id, and set platform.audience to the org's My Domain"),
    ("expired", "set this machine's clock by NTP: an assertion is valid for minutes"),
    ("client", "platform.client_id must be the consumer key of the app"),
    ("assertion", KEY),
)
"""Words of a refusal -> what to do about it."""
OF_SECRETS = (
    ("no client credentials user", "set a run-as user in the app's client credentials flow"),
    ("client", "check client_id and client_secret: consumer key and secret of the app"),
    ("request not supported", "ask at the org's My Domain, which is platform.my_domain"),
)
OTHERWISE = "check platform.client_id, and the app's policies in the org"


def build_tokens(
    settings: SalesforceSettings, secret: str, transport: httpx.BaseTransport | None = None
) -> OAuthTokens:
    """Build the provider of the org's tokens, which come with the instance's address.

    ``secret`` is the client's secret, or its private key. Raises ``PermanentError`` for a key that
    can't be used.
    """
    is_signed = settings.private_key is not None
    form = {"grant_type": ASSERTION if is_signed else "client_credentials"}
    if settings.scope:
        form["scope"] = settings.scope
    table = OF_ASSERTIONS if is_signed else OF_SECRETS
    grant = OAuthGrant(
        system="salesforce",
        token_url=f"{(settings.login_url or settings.my_domain).rstrip('/')}/services/oauth2/token",
        client_id=settings.client_id,
        client_secret="" if is_signed else secret,
        form=form,
        signed=_asserting(settings, secret) if is_signed else None,
        fallback_seconds=TOKEN_SECONDS,
        timeout=settings.timeout,
        address_field="instance_url",
        address_domains=_instances(settings),
        advice=lambda text: advice_on(text, table),
    )
    return OAuthTokens(grant, transport=transport)


def _instances(settings: SalesforceSettings) -> tuple[str, ...]:
    """Return where an instance may be.

    At a common login host the user selects the org, and a wrong one would get this one's records:
    there the instance must be the My Domain.
    """
    if settings.login_url is None:
        return DOMAINS
    return (urlsplit(settings.my_domain).hostname or "",)


def advice_on(text: str, table: tuple[tuple[str, str], ...]) -> str:
    """Return what to do about a refusal; the first row counts whose words are in its text."""
    lowered = text.lower()
    return next((advice for words, advice in table if words in lowered), OTHERWISE)


def _asserting(settings: SalesforceSettings, pem: str) -> Callable[[float], Mapping[str, str]]:
    try:
        key = SigningKey.from_pem(pem)
    except ValueError as reason:
        raise _unusable(reason) from None

    def fields(now: float) -> Mapping[str, str]:
        claims = {
            "iss": settings.client_id,
            "sub": settings.username,
            "aud": (settings.audience or settings.my_domain).rstrip("/"),
            "exp": int(now) + ASSERTION_SECONDS,
        }
        try:
            return {"assertion": signed(key, claims)}
        except ValueError as reason:
            raise _unusable(reason) from None

    return fields


def _unusable(reason: ValueError) -> PermanentError:
    return PermanentError(f"salesforce: platform.private_key can't be used: {reason}")
