"""The sounds of a species, how its words are built from them and how they are put in order and written down."""

from dataclasses import dataclass, field
from enum import Enum


class Stress(Enum):
    """Which syllable of a word bears the stress."""

    INITIAL = "initial"
    PENULTIMATE = "penultimate"
    FINAL = "final"
    HEAVY = "heavy"


class Harmony(Enum):
    """In what the sounds of one word must agree."""

    NONE = "none"
    BACKNESS = "backness"
    ROUNDING = "rounding"
    VOICING = "voicing"


class WordOrder(Enum):
    """The order of subject, object and verb."""

    SOV = "sov"
    SVO = "svo"
    VSO = "vso"
    VOS = "vos"
    OVS = "ovs"
    OSV = "osv"


class Plural(Enum):
    """How many are told from one."""

    REDUPLICATION = "reduplication"
    SUFFIX = "suffix"
    PREFIX = "prefix"
    PARTICLE = "particle"


class Intensity(Enum):
    """How much is told from a little."""

    REDUPLICATION = "reduplication"
    LENGTHENING = "lengthening"
    PARTICLE = "particle"


class Reduplication(Enum):
    """What of a word is said twice."""

    FULL = "full"
    FIRST_SYLLABLE = "first-syllable"
    LAST_SYLLABLE = "last-syllable"
    ECHO = "echo"


class Placement(Enum):
    """Where a particle stands."""

    FIRST = "first"
    BEFORE_VERB = "before-verb"
    AFTER_VERB = "after-verb"
    LAST = "last"


@dataclass(frozen=True)
class Spelling:
    """How a phoneme is written in one language."""

    symbol: str = field(metadata={"min_length": 1, "max_length": 8})
    """A key of `postcards_species.speech.phonemes.INVENTORY`."""
    onset: str = field(metadata={"min_length": 1, "max_length": 6, "pattern": r"^[a-zà-öø-ÿ'!]+$"})
    """At the beginning of a syllable."""
    rest: str = field(metadata={"min_length": 1, "max_length": 6, "pattern": r"^[a-zà-öø-ÿ'!]+$"})
    """Anywhere else."""


@dataclass(frozen=True)
class Grammar:
    """How words are marked and put in order."""

    word_order: WordOrder = WordOrder.SOV
    """The order of subject, object and verb."""
    adjective_first: bool = False
    """Whether a quality stands before the thing."""
    possessor_first: bool = False
    """Whether an owner stands before what is owned."""
    drops_pronouns: bool = False
    """Whether a pronoun that is the subject of a clause with an object is left out."""
    plural: Plural = Plural.REDUPLICATION
    """How many are told from one."""
    intensity: Intensity = Intensity.REDUPLICATION
    """How much is told from a little."""
    reduplication: Reduplication = Reduplication.FULL
    """What is said twice."""
    negation: Placement = Placement.BEFORE_VERB
    """Where "not" stands."""
    question: Placement = Placement.LAST
    """Where the growl that asks stands."""
    evidential: Placement = Placement.LAST
    """Where the growl stands that says how the speaker knows."""
    evidential_share: float = field(default=0.0, metadata={"ge": 0, "le": 1})
    """Share of the statements that say how the speaker knows."""


@dataclass(frozen=True)
class Phonology:
    """The sound system and grammar of one species. Its lexicon follows from it and `lexicon_seed`."""

    onsets: tuple[str, ...] = field(metadata={"min_length": 1, "max_length": 24, "item_max_length": 8})
    """Consonants that may begin a syllable, the commonest first."""
    nuclei: tuple[str, ...] = field(metadata={"min_length": 1, "max_length": 12, "item_max_length": 8})
    """Sounds that may carry a syllable, the commonest first: vowels, and growls, hums and trills that need none."""
    codas: tuple[str, ...] = field(metadata={"max_length": 24, "item_max_length": 8})
    """Consonants that may end a syllable, the commonest first."""
    clusters: tuple[str, ...] = field(
        default=(), metadata={"max_length": 24, "item_max_length": 17, "item_pattern": r"^[a-z]{1,8}\.[a-z]{1,8}$"}
    )
    """Pairs of consonants that may begin a syllable together, written "k.r", the commonest first."""
    shapes: tuple[str, ...] = field(
        default=("CV", "CVC"), metadata={"min_length": 1, "max_length": 8, "item_pattern": r"^C{0,2}VC?$"}
    )
    """Shapes of syllables, the commonest first; each C is a consonant, V what carries the syllable."""
    stress: Stress = Stress.INITIAL
    """Which syllable of a word bears the stress."""
    harmony: Harmony = Harmony.NONE
    """In what the sounds of one word must agree."""
    tones: int = field(default=1, metadata={"ge": 1, "le": 3})
    """How many levels of pitch tell words apart; 1 means none."""
    spellings: tuple[Spelling, ...] = field(default=(), metadata={"max_length": 64})
    """How its phonemes are written; one without an entry is written as in the inventory."""
    joint: str = field(default="", metadata={"max_length": 1, "pattern": r"^[-'·]?$"})
    """What joins the parts of compounds and repeated words; empty for nothing."""
    pause: str = field(default=", ", metadata={"min_length": 1, "max_length": 4, "pattern": "^[ ,;~\u2013\u2026·-]+$"})
    """What is written between the clauses of a phrase."""
    capitals: bool = False
    """Whether a phrase begins with a capital."""
    grammar: Grammar = Grammar()
    """How words are marked and put in order."""
    lexicon_seed: int = field(default=0, metadata={"ge": 0, "le": 2**64 - 1})
    """Seed of every word's form."""
