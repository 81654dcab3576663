"""How the phonemes of a species are written down: each language has its own habits of spelling."""

from collections.abc import Sequence

from postcards_species.speech.phonemes import INVENTORY
from postcards_species.speech.phonology import Spelling
from postcards_species.streams import Stream

_HABITS: dict[str, tuple[tuple[str, float], ...]] = {
    "aa": (("aa", 5), ("ah", 1), ("â", 2)),
    "ii": (("ii", 3), ("ee", 3), ("î", 2)),
    "oo": (("oo", 5), ("oh", 1), ("ô", 2)),
    "uu": (("uu", 5), ("û", 2)),
    "y": (("y", 3), ("ü", 3)),
    "oe": (("ö", 4), ("oe", 2), ("ø", 2)),
    "ae": (("ä", 4), ("ae", 2), ("æ", 2)),
    "uh": (("uh", 3), ("ë", 3), ("eh", 1)),
    "kh": (("kh", 5), ("ch", 2), ("x", 2)),
    "gh": (("gh", 5),),
    "hh": (("hh", 3), ("h'", 1)),
    "q": (("q", 4), ("qh", 1)),
    "sh": (("sh", 4), ("sch", 1), ("ç", 1)),
    "s": (("s", 5), ("ss", 2)),
    "z": (("z", 4), ("zz", 3)),
    "f": (("f", 4), ("ff", 2), ("ph", 1)),
    "rh": (("rh", 3), ("hr", 1)),
    "ng": (("ng", 5), ("ñ", 2)),
    "j": (("y", 3), ("j", 3)),
    "w": (("w", 4), ("v", 1)),
    "tk": (("t'", 3), ("tt", 1)),
    "kk": (("k'", 3), ("kk", 2)),
    "qk": (("q'", 3), ("qq", 1)),
    "grr": (("grr", 4), ("grrr", 1)),
    "hrr": (("hrr", 6), ("hrrr", 1)),
    "mm": (("mm", 4), ("hm", 1)),
    "oom": (("oom", 4), ("ôm", 1)),
}

_ONSETS: dict[str, str] = {"glk": "gl", "blb": "bl", "kri": "kr", "rgh": "ghr", "rr": "rr", "oom": "om", "tsk": "ts"}

_CLICKS: dict[str, tuple[tuple[str, str], ...]] = {
    "ck": (("tk", "tk"), ("!k", "k!"), ("ck", "ck")),
    "tsk": (("ts", "tsk"), ("!ts", "ts!"), ("tch", "tch")),
    "tlk": (("tl", "tlk"), ("!l", "lk!"), ("tl", "tl")),
    "pk": (("pk", "pk"), ("!p", "p!"), ("pw", "pk")),
}


def choose_spellings(stream: Stream, symbols: Sequence[str]) -> tuple[Spelling, ...]:
    """The spelling of each of `symbols`, different for each, after the habits of one language."""
    click_style = stream.weighted((0, 1, 2), (6, 2, 2))
    taken: set[str] = set()
    chosen: list[Spelling] = []
    for symbol in sorted(symbols):
        if symbol in _CLICKS:
            onset, rest = _CLICKS[symbol][click_style]
        else:
            usual = INVENTORY[symbol].spelling
            habits = [habit for habit in _HABITS.get(symbol, ((usual, 1.0),)) if habit[0] not in taken]
            rest = stream.weighted([text for text, _ in habits], [weight for _, weight in habits]) if habits else usual
            onset = _ONSETS.get(symbol, rest)
        taken.update((onset, rest))
        chosen.append(Spelling(symbol, onset, rest))
    return tuple(chosen)
