"""Whether a text could be taken for English: no animal speaks it.

The word list is from SCOWL; see `words/NOTICE`. It is read when it is first asked for.
"""

import gzip
import re
import unicodedata
from functools import cache
from importlib.resources import files

_LETTER_RUNS = re.compile("[a-z]+")
_LIGATURES = str.maketrans({"ø": "o", "æ": "ae", "ß": "ss"})


@cache
def _english_words() -> frozenset[str]:
    packed = (files("postcards_species") / "words" / "english.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().split("\n"))


@cache
def _unwanted() -> re.Pattern[str]:
    listed = (files("postcards_species") / "words" / "unwanted.txt").read_text(encoding="utf-8").split()
    return re.compile("|".join(listed))


def plain_letters(text: str) -> str:
    """`text` in lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_LIGATURES))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def reads_as_english(word: str) -> bool:
    """Whether a reader could take `word`, or a part of it between hyphens and the like, for an English word.

    A word is looked at as a whole and in its parts of two letters and more, without its accents, and as if accented
    letters parted it. A word of one letter, or one with an unwanted string in a part, counts as English.
    """
    plain = plain_letters(word)
    parts = _LETTER_RUNS.findall(plain)
    joined = "".join(parts)
    if len(joined) < 2 or any(_unwanted().search(part) for part in parts):
        return True
    english = _english_words()
    if joined in english or any(len(part) > 1 and part in english for part in parts):
        return True
    return any(len(part) > 2 and part in english for part in _LETTER_RUNS.findall(word.lower()))
