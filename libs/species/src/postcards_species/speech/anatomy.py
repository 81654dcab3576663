"""What each real animal can say: the sounds its throat, beak or shell favours.

Sounds are symbols of `speech.phonemes.INVENTORY`, the most typical first. A species takes its inventory from
those of its parents, over a guttural base that every throat shares.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sounds:
    """The sounds of one real animal."""

    consonants: tuple[str, ...]
    """Those it favours, the most typical first."""
    nuclei: tuple[str, ...]
    """What carries its syllables: vowels, and sounds that need no vowel; the most typical first."""


def _sounds(consonants: str, nuclei: str) -> Sounds:
    return Sounds(tuple(consonants.split()), tuple(nuclei.split()))


GUTTURAL_BASE = ("kh", "g", "k", "gh", "rh", "ng", "q", "hh", "rgh", "glottal", "grr", "hrr")
"""Sounds of the throat that any species may have."""

SOUNDS: dict[str, Sounds] = {
    "ant": _sounds("ck tsk t k kk s kri n tk h", "i a e uh"),
    "bass": _sounds("blb b glk pk w g m p l", "o u uh oo"),
    "beaver": _sounds("tsk m n tk b hh w r h", "uh e u mm"),
    "butterfly": _sounds("f s tw h l n sh tsk j", "i y e ii"),
    "cougar": _sounds("hrr rgh kh grr m w gh j hh", "aa a ae hrr"),
    "crab": _sounds("ck kk tlk t pk q blb tk k", "a i uh e"),
    "crayfish": _sounds("tlk ck k blb sh tk q glk", "a e uh o"),
    "crocodile": _sounds("grr hrr glk rgh g hh blb gh b", "o oo uh grr"),
    "dalmatian": _sounds("rgh grr w h b hh g r f", "a u aa rgh"),
    "dolphin": _sounds("ck tlk tsk kri tw pk k j s", "i ii a e"),
    "dragonfly": _sounds("z tk rr s tsk sh k r d", "i e y uh"),
    "elephant": _sounds("br mm rh hrr b w ng m g", "uu o aa oom"),
    "emu": _sounds("mm b ng rgh d g m hh w", "oo oom u uu"),
    "flamingo": _sounds("ng gh n k rgh kh q l h", "ae a aa o"),
    "gerenuk": _sounds("br m h n z f tk l j", "e ae i mm"),
    "hawksbill": _sounds("hh h kh sh m glottal s ng q", "uh a oo o"),
    "hedgehog": _sounds("f hh tsk h n p tk s j", "uh i e y"),
    "ibis": _sounds("gh k rh g r q rr ng kh", "aa o a ae"),
    "kangaroo": _sounds("kh t tk ck h g pk d rgh", "a u uh e"),
    "leopard": _sounds("hrr gh rgh kh grr r q h rh", "a aa o hrr"),
    "llama": _sounds("mm m n ng br l j w h", "uh i mm oe"),
    "lobster": _sounds("q tlk ck kk rh glk g pk k", "o uh u a"),
    "mayfly": _sounds("s z tw f l tsk h j n", "ii i y e"),
    "nautilus": _sounds("glk sh w blb l m ng hh h", "oo u oe uu"),
    "octopus": _sounds("blb glk sh w l pk f kh tlk", "u oe o y"),
    "okapi": _sounds("br mm f m sh h kh w z", "ae e u mm"),
    "panda": _sounds("br m h b n rh w ng d", "ae e a uh"),
    "pigeon": _sounds("rr r h kri m w k d br", "oo u uu rr"),
    "platypus": _sounds("glk rgh kk b g tsk h blb r", "uh o y a"),
    "rhino": _sounds("hrr br rgh f mm b h rh g", "uu u o hrr"),
    "rooster": _sounds("kri rr k kk gh r kh d q", "o a uu i"),
    "scorpion": _sounds("tsk s kk sh ck z tk kh r", "i uh a e"),
    "sea horse": _sounds("ck pk tsk p m blb l n j", "oe i e u"),
    "starfish": _sounds("sh hh glk f w l m ng h", "u a uh oo"),
    "tick": _sounds("ck tsk kk t k s glottal z q", "i uh e a"),
    "wild cat": _sounds("rr kh hh rgh m j hrr n f", "ae i aa rr"),
}
"""The sounds of every animal of `postcards_species.ancestry.animals.ANIMALS`."""
