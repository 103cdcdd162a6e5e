"""States and provinces as ISO 3166-2 codes, by exact match apart from case and accents.

``pycountry`` has the codes and names, also in the country's own script; the names in use that ISO
3166-2 does not list are here. Google's address data was tried as the source: it knows 19 of the
101 aliases and still has the codes that ISO replaced in 2017 for China and India.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable
from functools import cache, lru_cache

import pycountry

from domain.addressing.countries import fold


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


USED = _codes("AR AU BR CA CL CN CO ES ID IN IT JP KR MX MY PE PH TH TR US VE")
"""Countries whose addresses name a subdivision; for all others the text is kept as it is."""

REQUIRED = _codes("AU BR CA CN IN IT JP MX US")
"""Countries where an address is incomplete without its subdivision."""

_ALIASES = {
    "AR": "C=caba,capital federal,ciudad de buenos aires,autonomous city of buenos aires",
    "CA": "NL=newfoundland;NT=nwt;PE=pei;QC=pq",
    "CN": "GX=guangxi;NM=inner mongolia;NX=ningxia;XJ=xinjiang;XZ=tibet;HK=hong kong;MO=macao,"
    "macau",
    "CO": "DC=bogota,bogota dc,bogota d c,bogota capital district,distrito capital",
    "ES": "BI=vizcaya;SS=guipuzcoa;GI=gerona;L=lerida;PM=baleares,islas baleares,"
    "balearic islands,mallorca;CT=catalonia;AN=andalusia;PV=basque country;NA=navarra;"
    "LO=la rioja;GC=gran canaria;TF=tenerife",
    "ID": "JK=jakarta,dki jakarta;YO=di yogyakarta,daerah istimewa yogyakarta;JB=west java;"
    "JT=central java;JI=east java",
    "IN": "OD=orissa,or;UK=uttaranchal,ut;CG=ct,chattisgarh;TS=tg;DL=new delhi,nct of delhi;"
    "PY=pondicherry;AN=andaman and nicobar;DH=daman and diu,dadra and nagar haveli",
    "IT": "75=apulia;21=piemonte,piedmont;25=lombardia,lombardy;52=toscana,tuscany;82=sicily;"
    "88=sardinia;FI=florence;RM=rome;MI=milan;NA=naples;TO=turin;VE=venice;GE=genoa",
    "KR": "42=gangwon;49=jeju;43=chungbuk;44=chungnam;45=jeonbuk;46=jeonnam;47=gyeongbuk;"
    "48=gyeongnam",
    "MX": "CMX=cdmx,df,d f,distrito federal,mexico city,mexico df,mexico d f;"
    "MEX=estado de mexico,edomex;COA=coahuila;MIC=michoacan;VER=veracruz;NLE=nl;BCN=bc;"
    "QUE=queretaro de arteaga,qro;YUC=yuc;JAL=jal",
    "MY": "14=kuala lumpur;15=labuan;16=putrajaya;04=malacca;07=penang;01=johore",
    "PE": "LMA=lima metropolitana;CAL=callao;CUS=cuzco",
    "PH": "00=metro manila,ncr",
    "TH": "10=bangkok",
    "TR": "34=istanbul;35=izmir;33=icel;46=maras",
    "US": "DC=washington dc,washington d c,d c;VI=virgin islands,united states virgin islands;"
    "MP=northern marianas",
    "VE": "A=df,distrito federal,caracas",
}
"""Names in use that ISO 3166-2 lacks, by country and code; see ``fold`` for the comparison."""

_LOCAL_SCRIPTS = {"CN": "zh_CN", "IN": "hi", "JP": "ja", "KR": "ko", "TH": "th"}
"""Translations of ``pycountry`` that hold the names in the country's own script."""

MILITARY_US = {
    "aa": "AA",
    "armed forces americas": "AA",
    "ae": "AE",
    "armed forces europe": "AE",
    "ap": "AP",
    "armed forces pacific": "AP",
}
"""United States military mail: states for the post office, but not in ISO 3166-2."""

_SUFFIXES = re.compile(
    r" (sheng|shi|zizhiqu|sar|\S+ zizhiqu|gwangyeoksi|teukbyeolsi|teukbyeoljachisi|teukbyeoljachido"
    r"|do|de ignacio de la llave|de zaragoza|de ocampo)$"
)
"""Words for "province" and the like that only ISO 3166-2 writes after the name."""


def _spellings(name: str) -> set[str]:
    # "Lleida [Lérida]", "Araba/Álava", "Asturias, Principado de", "Beijing Shi"
    parts = {re.sub(r"[\[(].*", "", name), *re.findall(r"[\[(](.*?)[\])]", name), *name.split("/")}
    parts |= {" ".join(reversed(part.split(", "))) for part in set(parts)}
    folded = {fold(part) for part in parts}
    return (folded | {_SUFFIXES.sub("", part) for part in folded}) - {""}


@cache
def _index(country: str) -> dict[str, str]:
    # A name at two levels ("Cantabria", province and community) means the lower level; a name of
    # two subdivisions of one level means neither.
    found: dict[str, list[tuple[bool, str]]] = {}
    codes: dict[str, str] = {}
    translate = _translator(country)
    for item in (item for item in pycountry.subdivisions if item.country_code == country):
        codes[fold(item.code)] = codes[fold(item.code.partition("-")[2])] = item.code
        for name in _spellings(item.name) | _spellings(translate(item.name)):
            found.setdefault(name, []).append((bool(item.parent_code), item.code))
    names: dict[str, str] = {}
    for name, entries in found.items():
        lowest = [code for lower, code in entries if lower] or [code for _, code in entries]
        if len(lowest) == 1:
            names[name] = lowest[0]
    return names | _aliases(country, codes) | codes


def _translator(country: str) -> Callable[[str], str]:
    language = _LOCAL_SCRIPTS.get(country)
    if language is None:
        return lambda name: name
    return gettext.translation("iso3166-2", pycountry.LOCALES_DIR, [language]).gettext


def _aliases(country: str, codes: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in filter(None, _ALIASES.get(country, "").split(";")):
        code, _, names = entry.partition("=")
        if fold(code) in codes:
            found |= {fold(name): codes[fold(code)] for name in names.split(",")}
    return found


@lru_cache(maxsize=16_384)
def normalise_subdivision(country: str, text: str) -> str | None:
    """Return the ISO 3166-2 code ("US-TX") for a name or code ("Texas", "TX", "US-TX").

    None if nothing matches exactly, and for countries whose addresses name no subdivision.
    """
    if country not in USED:
        return None
    folded = fold(text)
    return _index(country).get(folded) if folded else None
