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

    A word is looked at with and without its accents, as a whole and in its parts of two letters and more. A word of one
    letter, or one that contains an unwanted string, counts as English.
    """
    plain = plain_letters(word)
    joined = "".join(_LETTER_RUNS.findall(plain))
    if len(joined) < 2 or _unwanted().search(joined):
        return True
    english = _english_words()
    if joined in english:
        return True
    parts = [*_LETTER_RUNS.findall(plain), *_LETTER_RUNS.findall(word.lower())]
    return any(len(part) > 1 and part in english for part in parts)
