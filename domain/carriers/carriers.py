"""One code for each carrier, for the names and codes that stores and OMSs use."""

from __future__ import annotations

from functools import cache, lru_cache

from domain.addressing.countries import fold

CARRIER_ALIASES: dict[str, str] = {
    "amazon": "amzn, amzl, amazon logistics, amazon shipping, amzn us",
    "aramex": "aramx",
    "australia_post": "auspost, aus post, ap auspost",
    "bpost": "belgian post, bpost international",
    "canada_post": "canadapost, can post, cpc, postes canada, capost",
    "canpar": "canp, canpar express",
    "china_post": "chinapost, ems china",
    "correios": "sedex, correios brasil, ect",
    "dhl": "dhle, dhlx, dhl express, dhl ecommerce, dhlec, dhl global mail, dhlgm, dhl parcel, "
    "dhl paket, deutsche post dhl, dhl worldwide express",
    "dpd": "dpd uk, dpd de, dpdgroup, chronopost, seur",
    "evri": "hermes, hermes uk, myhermes",
    "fedex": "fdx, fedx, fdeg, fdxe, fdxg, fedexg, federal express, fedex ground, fedex express, "
    "fedex home delivery, fedex smartpost, fxsp, fxfe, fxnl, fedex freight, "
    "fedex ground economy, fedex parcel",
    "gls": "general logistics systems, gls group",
    "japan_post": "yubin, japanpost, jp post",
    "la_poste": "laposte, colissimo",
    "landmark": "landmark global, lgl",
    "lasership": "laser ship, lsrs, lshp",
    "old_dominion": "odfl, old dominion freight line, old dominion freight, odom",
    "ontrac": "on trac, ontr, ontrac logistics",
    "postnl": "post nl, tnt post, pnl",
    "purolator": "puro, purolator courier, purolator inc",
    "royal_mail": "royalmail, rmg, rml",
    "speedee": "spee dee, spee dee delivery, spdee, spee dee delivery service",
    "tnt": "tnt express",
    "ups": "upsn, upss, upsg, upsc, upgf, united parcel service, ups ground, ups sure post, "
    "ups surepost, surepost, ups mail innovations, upsmi, ups mi, ups next day air, "
    "ups 2nd day air, ups freight, ups ready, ups online",
    "usps": "uspostal, us mail, us post, us postal service, united states postal service, uspo, "
    "usps ground advantage, usps priority mail, endicia, stamps com, u s p s, "
    "united states post office",
    "yodel": "yodl, yodel direct",
    "yunexpress": "yun express, yunex, yuntu",
}
"""Our code -> other names and codes (SCACs too), compared without case, spaces, punctuation."""


@cache
def _codes() -> dict[str, str]:
    names = {
        _key(alias): code
        for code, aliases in CARRIER_ALIASES.items()
        for alias in aliases.split(",")
    }
    return names | {_key(code): code for code in CARRIER_ALIASES}


def _key(text: str) -> str:
    return fold(text).replace(" ", "")


@lru_cache(maxsize=4096)
def normalise_carrier(text: str) -> str | None:
    """Return our code for a store's or OMS's name or code of a carrier; None if it is unknown."""
    return _codes().get(_key(text))
