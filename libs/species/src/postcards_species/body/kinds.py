"""The kinds of which the parts of a body can be."""

from enum import Enum


class Symmetry(Enum):
    """How the body repeats."""

    BILATERAL = "bilateral"
    RADIAL = "radial"


class Pose(Enum):
    """What the animal is doing."""

    STANDING = "standing"
    WALKING = "walking"
    GRAZING = "grazing"
    LOOKING_BACK = "looking-back"
    CROUCHING = "crouching"
    REARING = "rearing"
    SITTING = "sitting"
    SWIMMING = "swimming"
    HOVERING = "hovering"
    COILED = "coiled"


class LimbKind(Enum):
    """What a limb is."""

    LEG = "leg"
    ARM = "arm"
    WING = "wing"
    FIN = "fin"
    FLIPPER = "flipper"
    PINCER = "pincer"
    TENTACLE = "tentacle"
    RAY = "ray"


class Stance(Enum):
    """How a limb carries weight."""

    PLANTIGRADE = "plantigrade"
    DIGITIGRADE = "digitigrade"
    UNGULIGRADE = "unguligrade"
    COLUMN = "column"
    BIRD = "bird"
    SPRAWL = "sprawl"
    ARTHROPOD = "arthropod"


class Foot(Enum):
    """How a limb ends."""

    PAW = "paw"
    HOOF = "hoof"
    CLAW = "claw"
    TALON = "talon"
    WEB = "web"
    PAD = "pad"
    POINT = "point"


class Mouth(Enum):
    """What is in front of the face."""

    MUZZLE = "muzzle"
    JAWS = "jaws"
    BEAK = "beak"
    BILL = "bill"
    MANDIBLES = "mandibles"
    PROBOSCIS = "proboscis"
    TUBE = "tube"
    TRUNK = "trunk"
    MAW = "maw"
    ROSTRUM = "rostrum"


class EyeKind(Enum):
    """What an eye is like."""

    ROUND = "round"
    SLIT = "slit"
    BAR = "bar"
    COMPOUND = "compound"
    STALKED = "stalked"


class TailKind(Enum):
    """What a tail is like."""

    NONE = "none"
    WHIP = "whip"
    TUFT = "tuft"
    BRUSH = "brush"
    PADDLE = "paddle"
    FAN = "fan"
    FLUKE = "fluke"
    PLUMES = "plumes"
    CURL = "curl"
    STING = "sting"


class ShellKind(Enum):
    """What armour the back carries."""

    NONE = "none"
    DOME = "dome"
    PLATES = "plates"
    SPIRAL = "spiral"


class OrnamentKind(Enum):
    """What else grows on the animal."""

    HORN = "horn"
    NOSE_HORN = "nose-horn"
    OSSICONE = "ossicone"
    ANTLER = "antler"
    ANTENNA = "antenna"
    SPINES = "spines"
    CREST = "crest"
    COMB = "comb"
    WATTLE = "wattle"
    HUMP = "hump"
    DORSAL_FIN = "dorsal-fin"
    TUSK = "tusk"
    MANE = "mane"
    WHISKERS = "whiskers"
    RUFF = "ruff"


class CoveringKind(Enum):
    """What the skin is covered with."""

    FUR = "fur"
    FEATHERS = "feathers"
    SCALES = "scales"
    SKIN = "skin"
    CHITIN = "chitin"


class PatternKind(Enum):
    """What the marks on the skin are like."""

    PLAIN = "plain"
    SPOTS = "spots"
    ROSETTES = "rosettes"
    STRIPES = "stripes"
    BANDS = "bands"
    PATCHES = "patches"
    MAZE = "maze"
    SADDLE = "saddle"
