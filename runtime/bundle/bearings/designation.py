"""A bearing's name as people write it: maker, designation, and endings for seals, cage and so on.

"SKF 6205-2RS", "6205ZZ", "6205-2Z/C3", "nu 205 ecp" and "7312 BECBP" name the rows 6205, NU205
and 7312B. An ending that is not known is refused, for it may say that other balls are inside.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import NamedTuple

from dlrsd.runtime.base.errors import InputError

MAKERS = (
    *("SKF", "FAG", "INA", "SCHAEFFLER", "NSK", "NTN-SNR", "NTN", "SNR", "KOYO", "JTEKT", "NACHI"),
    *("TIMKEN", "FAFNIR", "REXNORD", "LDK", "MTK", "IBU", "ZKL", "ZVL", "KINEX", "URB", "FKL"),
    *("LYC", "HRB", "ZWZ", "C&U", "NKE", "RHP", "NMB", "MB", "STEYR", "EPK", "HARP"),
)
_ENDINGS = (
    # Seals and shields.
    *("2RS", "2RS1", "2RS2", "2RSR", "2RSH", "2RSL", "2RSC", "2RZ", "2Z", "2ZR", "2ZN", "2ZNR"),
    *("Z", "ZZ", "ZN", "ZNR", "ZZE", "ZZX", "RS", "RS1", "RS2", "RSR", "RSH", "RSL", "RZ", "DD"),
    *("DDU", "DDW", "DU", "VV", "V", "LLU", "LLB", "LLH", "LU", "LB", "LH", "2RU", "RU", "2RD"),
    *("RD", "2RK", "2NSE", "2NSL", "2NK", "NSE", "UU", "U", "PP", "PPG", "2CS", "2CS5", "KRR"),
    # Bore, groove, clearance, tolerance, noise.
    *("K", "K30", "N", "NR", "C1", "C2", "C3", "C4", "C5", "CN", "CM", "CB", "CA", "CC", "MC3"),
    *("P0", "P4", "P5", "P6", "P52", "P63", "P64", "Z1", "Z2", "Z3", "V1", "V2", "V3", "Q5", "Q6"),
    # Cage.
    *("TN", "TN9", "TN1", "TNG", "TNH", "T2", "T2X", "TVP", "TVP2", "TVPB", "TVH", "T", "TVPA"),
    *("P", "PH", "PHA", "J", "JP", "JA", "JEM", "JR", "JPA", "M", "MA", "MB", "M1", "M1A", "ML"),
    *("MP", "MPA", "MPB", "MPUA", "Y", "F", "FA", "FY", "G", "GA", "GB", "GN", "UA", "UO", "UL"),
    # Heat, grease, oil groove, insulation, and a maker's own.
    *("S0", "S1", "S2", "S3", "W", "W20", "W26", "W33", "W64", "X", "XL", "HT", "HT51", "GJN"),
    *("LT", "LHT23", "MT33", "MT47", "WT", "VT113", "VA201", "VA208", "VA228", "VA301", "VA305"),
    *("VL0241", "VL0246", "VL2071", "J20AA", "J20B", "J20C", "D", "L038", "L091", "L207", "NS7"),
    *("NS7S", "AV2S", "5K", "FS", "KD"),
)
# A better inside than the first of that name: of a ball bearing with more or larger balls.
_DESIGNS = (
    *("E", "EC", "ECP", "ECPH", "ECJ", "ECM", "ECMA", "ECMB", "ECML", "ECB", "ECBP", "ECBJ"),
    *("ECBM", "EP", "EM", "EMA", "EJ", "EW", "E1", "E1A", "E4", "EA", "EAK", "ET2", "ET2X", "EK"),
    *("CD", "CJ", "CAK", "CCK", "RH", "RHR", "RHA", "MW33"),
)
_DEEP_GROOVE = re.compile(r"(?:6|16)\d")
_LONGEST = 40  # characters of a name: longer ones are no designation, and endings take time
_SAME_OUTSIDE = {"618": "68", "619": "69"}  # one maker's numbers for another's, and two more digits


class Designation(NamedTuple):
    """A maker, if one is named, and what the table calls the bearing."""

    maker: str | None
    base: str


def parse_designation(text: str, known: tuple[str, ...]) -> Designation:
    """The row of a table of ``known`` designations that ``text`` names.

    Raises
    ------
    InputError
        If it names none: says which come near, and what else to give.
    """
    name = " ".join(text.upper().split())
    maker = next((each for each in MAKERS if re.match(rf"{re.escape(each)}(?![A-Z])", name)), None)
    rest = name.removeprefix(maker or "").strip(" -")
    longest_first = sorted(known, key=len, reverse=True) if len(name) <= _LONGEST else ()
    for base in longest_first:
        if (ending := _ending(rest, base)) is None:
            continue
        codes = _ENDINGS if _DEEP_GROOVE.match(base) else _ENDINGS + _DESIGNS
        parts = filter(None, re.split(r"[ ./+-]+", ending))
        unknown = [part for part in parts if not _is_made_of(codes, part)]
        if unknown:
            raise InputError(
                f"bearing {text!r:.60} is a {base} with the ending {unknown[0]!r}, which is not "
                f"known and may mean other rolling elements: give {base} if it does not, else "
                "--geometry N,D,PITCH,ANGLE or --orders BPFO,BPFI,BSF,FTF"
            )
        return Designation(maker, base)
    raise InputError(_none_like(text, rest, known))


def _ending(name: str, base: str) -> str | None:
    """What follows ``base`` in ``name``, None if it does not begin with it.

    Letters and numbers of a base may stand apart: NU 205, ER-16K, 7312 BECBP.
    """
    number = r"[ -]?".join(map(re.escape, re.findall(r"[A-Z]+|[^A-Z]+", base)))
    for theirs, ours in _SAME_OUTSIDE.items():
        if re.fullmatch(rf"{ours}\d\d", base):
            number = f"(?:{number}|{theirs}{base[2:]})"
    found = re.match(rf"{number}(?!\d|/\d)(.*)", name)
    return found[1] if found else None


def _is_made_of(codes: tuple[str, ...], ending: str, *, letter: bool = False) -> bool:
    """Whether codes stand one behind the other, no more than one of them a single letter.

    "2RSJEM" is 2RS and JEM, "ZC3" is Z and C3.
    """
    return not ending or any(
        _is_made_of(codes, ending[len(code) :], letter=letter or len(code) == 1)
        for code in codes
        if ending.startswith(code) and not (letter and len(code) == 1)
    )


def _none_like(text: str, name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(re.sub(r"[ -]", "", name)[:12], known, n=3, cutoff=0.6)
    nearest = f"; near it are {', '.join(near)}" if near else ""
    return (
        f"bearing {text!r:.60} is not among the {len(known)} in the table{nearest}: give what is "
        "inside with --geometry N,D,PITCH,ANGLE (rolling elements, their diameter, pitch diameter, "
        "contact angle) or the maker's fault orders with --orders BPFO,BPFI,BSF,FTF"
    )
