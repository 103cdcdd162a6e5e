"""States and provinces as ISO 3166-2 codes, by exact match apart from case and accents.

``pycountry`` has the codes and names, also in the country's own script; the names in use that ISO
3166-2 does not list are here, among them all of the list of states that a store offers to shoppers.
Google's address data was tried as the source: it knew 19 of the first 101 aliases and still has the
codes that ISO replaced in 2017 for China and India.
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
    "AR": "C=caba,capital federal,ciudad de buenos aires,autonomous city of buenos aires,"
    "buenos aires autonomous city;B=buenos aires province,provincia de buenos aires",
    "BR": "DF=federal district",
    "CA": "NL=newfoundland,nf,labrador;NT=nwt,n w t;PE=pei,p e i;QC=pq;YT=yukon territory,yk",
    "CL": "RM=region metropolitana,metropolitana,santiago,santiago metropolitan;LI=ohiggins;"
    "BI=bio bio;AR=araucania;AI=aisen,aysen;MA=magallanes y de la antartica chilena",
    "CN": "GX=guangxi,guangxi zhuang;NM=inner mongolia,nei mongol;NX=ningxia;XJ=xinjiang;XZ=tibet;"
    "HK=hong kong;MO=macao,macau",
    "CO": "DC=bogota,bogota dc,bogota d c,bogota capital district,distrito capital;"
    "SAP=san andres,san andres y providencia,san andres and providencia;VAC=valle",
    "ES": "BI=vizcaya;SS=guipuzcoa;GI=gerona;L=lerida;PM=baleares,balears,islas baleares,"
    "balearic islands,mallorca;CT=catalonia;AN=andalusia;PV=basque country;NA=navarra;"
    "LO=la rioja;GC=gran canaria;TF=tenerife;VI=araba;A=alacant;CS=castello;SE=seville;"
    "CN=canary islands;C=a coru\u0441a",
    "ID": "JK=jakarta,dki jakarta;JB=west java;JT=central java;JI=east java;"
    "YO=di yogyakarta,daerah istimewa yogyakarta,daista yogyakarta;"
    "AC=nanggroe aceh darussalam,daista aceh;BB=bangka belitung,bangka belitung islands;"
    "KR=riau islands;SU=north sumatra;SB=west sumatra;SS=south sumatra;KB=west kalimantan;"
    "KT=central kalimantan;KI=east kalimantan;KS=south kalimantan;KU=north kalimantan;"
    "SA=north sulawesi;ST=central sulawesi;SN=south sulawesi;SG=southeast sulawesi;"
    "SR=west sulawesi;NB=west nusa tenggara;NT=east nusa tenggara;MU=north maluku;"
    "PA=irian jaya timur;PT=irian jaya tengah;PB=west papua,irian jaya barat,irian jawa barat",
    "IN": "OD=orissa,or;UK=uttaranchal,ut;CG=ct,chattisgarh;TS=tg;PY=pondicherry;"
    "DL=new delhi,nct of delhi,national capital territory of delhi;AN=andaman and nicobar;"
    "DH=daman and diu,dadra and nagar haveli",
    "IT": "75=apulia;21=piemonte,piedmont;25=lombardia,lombardy;52=toscana,tuscany;82=sicily;"
    "88=sardinia;FI=florence;RM=rome;MI=milan;NA=naples;TO=turin;VE=venice;GE=genoa;"
    "23=aosta,ao,aosta valley;BZ=bolzano bozen;MB=monza e della brianza,monza brianza;"
    "PU=pesaro urbino,ps;RC=reggio di calabria;RE=reggio nell emilia,reggio nellemilia;"
    "VB=verbania;FC=fo;SU=carbonia iglesias,medio campidano;NU=ogliastra;SS=olbia tempio",
    "JP": "10=gumma;28=hyougo;39=koochi;44=ohita;13=tokyo metropolis",
    "KR": "42=gangwon,gangwon do;43=chungbuk,north chungcheong;44=chungnam,south chungcheong;"
    "45=jeonbuk,north jeolla;46=jeonnam,south jeolla;47=gyeongbuk,north gyeongsang;"
    "48=gyeongnam,south gyeongsang;49=jeju,jeju do",
    "MX": "CMX=cdmx,df,d f,dif,distrito federal,mexican federal district,mexico city,mexico df,"
    "mexico d f;MEX=estado de mexico,state of mexico,edomex;COA=coahuila;MIC=michoacan;"
    "VER=veracruz,veracruz llave;NLE=nl;BCN=bc,baja california norte;QUE=queretaro de arteaga,qro;"
    "YUC=yuc;JAL=jal",
    "MY": "14=kuala lumpur,wp kuala lumpur,kul;15=labuan,lbn;16=putrajaya,pjy;04=malacca,mlk;"
    "07=penang,png;01=johore,jhr;02=kdh;03=ktn;05=n sembilan,nsn;06=phg;08=prk;09=pls;10=sgr;"
    "11=trg;12=sbh;13=srw",
    "PE": "LMA=lima metropolitana,lima metropolitan;LIM=lima region;CAL=callao;CUS=cuzco",
    "PH": "00=metro manila,ncr,manila;COM=compostela valley;NCO=north cotabato;WSA=western samar",
    "TH": "10=bangkok;14=ayutthaya;16=lopburi;20=chonburi;31=buriram;33=sisaket;S=pattaya",
    "TR": "34=istanbul;35=izmir;33=icel;46=maras;03=afyon;63=urfa;27=antep",
    "US": "DC=washington dc,washington d c,d c;VI=virgin islands,united states virgin islands,"
    "us virgin islands;MP=northern marianas,commonwealth of the northern mariana islands;"
    "UM=us minor outlying islands,u s minor outlying islands",
    "VE": "A=df,distrito federal,caracas,capital;X=vargas;W=federal dependencies",
}
"""Names in use that ISO 3166-2 lacks, by country and code; see ``fold`` for the comparison."""

_LOCAL_SCRIPTS = {"CN": "zh_CN", "IN": "hi", "JP": "ja", "KR": "ko", "TH": "th"}
"""Translations of ``pycountry`` that hold the names in the country's own script."""

_POSTAL_US = {
    "AA": "armed forces americas,armed forces americas except canada",
    "AE": "af,ac,am,armed forces africa,armed forces canada,armed forces europe,"
    "armed forces middle east,armed forces africa canada europe middle east,"
    "armed forces africa canada middle east europe",
    "AP": "armed forces pacific",
    "FM": "micronesia,federated states of micronesia",
    "MH": "marshall islands,republic of the marshall islands",
    "PW": "palau,republic of palau",
}
"""States of the United States' post that are not in ISO 3166-2: military mail, whose three codes
stand for six areas, and the freely associated states. Source: USPS Publication 28, appendix B."""

_SUFFIXES = re.compile(
    r" (sheng|shi|zizhiqu|sar|\S+ zizhiqu|gwangyeoksi|teukbyeolsi|teukbyeoljachisi|teukbyeoljachido"
    r"|do|de ignacio de la llave|de zaragoza|de ocampo)$"
)
"""Words for "province" and the like that only ISO 3166-2 writes after the name."""
_WRITTEN_AFTER = {"JP": ("ken", "fu", "to", "prefecture")}
"""Words for "province" that shops write after the name, and ISO 3166-2 does not."""


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
    words = _WRITTEN_AFTER.get(country, ())
    longer = {f"{name} {word}": code for name, code in names.items() for word in words}
    return longer | names | _aliases(country, codes) | codes


def _translator(country: str) -> Callable[[str], str]:
    language = _LOCAL_SCRIPTS.get(country)
    if language is None:
        return lambda name: name
    return gettext.translation("iso3166-2", pycountry.LOCALES_DIR, [language]).gettext


def _aliases(country: str, codes: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in filter(None, _ALIASES.get(country, "").split(";")):
        code, _, names = entry.partition("=")
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


@cache
def _postal_states() -> dict[str, str]:
    listed = {name: code for code, names in _POSTAL_US.items() for name in names.split(",")}
    return listed | {code.lower(): code for code in _POSTAL_US}


def postal_state(country: str, text: str) -> str | None:
    """Return the post's code ("AE") of a state that is not one in ISO 3166-2, or ``None``."""
    return _postal_states().get(fold(text)) if country == "US" and text else None
