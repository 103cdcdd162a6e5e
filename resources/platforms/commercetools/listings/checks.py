"""Checks of what listings need of a project, before a connection goes live."""

from __future__ import annotations

from domain.parsing.answers import document_of
from resources.http.client import ApiClient
from resources.platforms.commercetools.answers_payload import Project
from resources.platforms.commercetools.client import one_of, query
from resources.platforms.commercetools.listings.payload import PRODUCT_TYPES, ProductType
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.preflight import Finding

TYPES, SCOPE = "/product-types", "view_products"


def languages(project: Project, settings: CommercetoolsSettings) -> Finding:
    """Compare the language in which listings are written with those of the project."""
    known, locales = project.languages or [], settings.locales
    if not locales:
        detail = f"the project has {', '.join(known)}; platform.locales names none"
        return len(known) < 2, detail[:500], "name the language of listings in platform.locales"
    detail = f"listings are written in {locales[0]}; the project has {', '.join(known)}"
    return locales[0] in known, detail[:500], "start platform.locales with one of the project's"


def new_products(http: ApiClient, settings: CommercetoolsSettings) -> Finding:
    """Look for the type and the language of products that are created."""
    advice = "name the key of a product type in platform.product_type, and platform.locales"
    if settings.product_type is None or not settings.locales:
        return False, "no type, or no language, is named for products that are created", advice
    found = product_type(http, "key", settings.product_type)
    detail = f"new products are of the type {settings.product_type}"
    return found is not None, detail if found else f"{detail}, which does not exist", advice


def product_type(http: ApiClient, field: str, value: str) -> ProductType | None:
    """Return a product type by its id or key, if the project has it."""
    found = query(http, TYPES, {"where": [one_of(field, [value])], "limit": 1}, SCOPE)
    return next((document_of(f"commercetools: GET {TYPES}", r, PRODUCT_TYPES) for r in found), None)
