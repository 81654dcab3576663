"""The values that describe the shape and the skin of an animal.

Lengths are in units of the trunk, hip to shoulder, unless stated otherwise; angles are in degrees.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


def _between(low: float, high: float) -> Any:  # noqa: ANN401 - what a dataclass field is typed as
    return field(metadata={"ge": low, "le": high})


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


@dataclass(frozen=True)
class Colour:
    """A colour in sRGB."""

    red: float = _between(0, 1)
    """Red."""
    green: float = _between(0, 1)
    """Green."""
    blue: float = _between(0, 1)
    """Blue."""


@dataclass(frozen=True)
class Palette:
    """The colours of an animal."""

    base: Colour
    """Most of the body."""
    belly: Colour
    """The underside."""
    mark: Colour
    """The marks of the pattern."""
    accent: Colour
    """Comb, wattle, ears inside, wing and fin membranes, second tone of the marks."""
    hard: Colour
    """Beak, horn, claw and hoof."""
    shell: Colour
    """Shell or plates."""
    iris: Colour
    """The eyes."""


@dataclass(frozen=True)
class Spine:
    """The trunk."""

    pitch: float = _between(-30, 90)
    """How far the shoulder is raised above the hip: 0 level, 90 upright."""
    arch: float = _between(-0.4, 0.6)
    """How far the middle rises above the line from hip to shoulder; negative hangs."""
    girth_rump: float = _between(0.03, 0.6)
    """Radius over the hip."""
    girth_waist: float = _between(0.03, 0.7)
    """Radius in the middle."""
    girth_chest: float = _between(0.03, 0.6)
    """Radius over the shoulder."""
    flatness: float = _between(0.35, 3)
    """Width over height of the cross-section: under 1 narrow like a fish, over 1 flat like a crab."""
    hump: float = _between(0, 0.4)
    """Height of a hump over the shoulder."""
    segments: int = _between(0, 16)
    """Visible rings; 0 is smooth."""


@dataclass(frozen=True)
class Neck:
    """What carries the head."""

    length: float = _between(0, 2.5)
    """Shoulder to skull."""
    thickness: float = _between(0.02, 0.5)
    """Radius in the middle."""
    rise: float = _between(-40, 90)
    """Angle above the horizon."""
    bend: float = _between(-1, 1)
    """Curve of an S: 0 straight, 1 a flamingo's."""


@dataclass(frozen=True)
class Head:
    """The skull and the mouth."""

    size: float = _between(0.05, 0.8)
    """Length of the skull without the snout."""
    width: float = _between(0.4, 1.8)
    """Width of the skull over its length."""
    height: float = _between(0.4, 1.8)
    """Height of the skull over its length."""
    mouth: Mouth
    """What is in front of the face."""
    snout_length: float = _between(0, 3)
    """Length of the snout, beak, trunk or proboscis over that of the skull."""
    snout_width: float = _between(0.05, 1.2)
    """Width of the snout over that of the skull."""
    snout_curve: float = _between(-1, 1)
    """How far the snout bends down; negative bends up."""
    teeth: float = _between(0, 1)
    """How much of the teeth shows."""
    brow: float = _between(0, 1)
    """How heavily the brow hangs over the eye."""


@dataclass(frozen=True)
class Eyes:
    """The eyes."""

    kind: EyeKind
    """What an eye is like."""
    count: int = _between(1, 8)
    """How many there are."""
    size: float = _between(0.03, 0.5)
    """Radius over the length of the skull."""
    forward: float = _between(0, 1)
    """0 look sideways, 1 look ahead."""
    lid: float = _between(0, 0.8)
    """How far the upper lid covers the eye."""


@dataclass(frozen=True)
class Ears:
    """The ears; a length of 0 means none."""

    length: float = _between(0, 2.5)
    """Length over that of the skull."""
    width: float = _between(0.1, 1.5)
    """Width over length."""
    point: float = _between(0, 1)
    """0 round, 1 pointed."""
    spread: float = _between(0, 1)
    """0 upright on the crown, 1 hanging from the sides."""


@dataclass(frozen=True)
class Limb:
    """One pair of limbs (or, of a radial body, a ring of them)."""

    kind: LimbKind
    """What it is."""
    stance: Stance
    """How it carries weight, if it does."""
    foot: Foot
    """How it ends."""
    at: float = _between(-0.1, 1.2)
    """Where it sits along the trunk: 0 the hip, 1 the shoulder, above 1 the head."""
    length: float = _between(0.05, 3)
    """From root to end."""
    thickness: float = _between(0.005, 0.3)
    """Radius near the root."""
    splay: float = _between(0, 1)
    """0 under the body, 1 straight out to the side."""


@dataclass(frozen=True)
class Tail:
    """The tail."""

    kind: TailKind
    """What it is like."""
    length: float = _between(0, 3)
    """Length."""
    thickness: float = _between(0.005, 0.4)
    """Radius at the root."""
    lift: float = _between(-90, 120)
    """Angle above the line of the back."""


@dataclass(frozen=True)
class Shell:
    """The armour on the back."""

    kind: ShellKind
    """What it is like."""
    size: float = _between(0, 1.6)
    """Length over that of the trunk."""
    height: float = _between(0, 1.2)
    """Height over its length."""


@dataclass(frozen=True)
class Ornament:
    """One thing more that grows on the animal."""

    kind: OrnamentKind
    """What it is."""
    size: float = _between(0.02, 2.5)
    """Length; on the head in skulls, elsewhere in trunks."""
    count: int = _between(1, 12)
    """How many, pairs counted once; ignored where it makes no sense."""
    curve: float = _between(-1, 1)
    """Bend: positive backwards or down."""


@dataclass(frozen=True)
class Covering:
    """What the skin is covered with."""

    kind: CoveringKind
    """What it is."""
    length: float = _between(0, 1)
    """Length of hair or size of scales and feathers, 0 finest to 1 coarsest."""
    gloss: float = _between(0, 1)
    """0 matt, 1 wet."""
    relief: float = _between(0, 1)
    """Wrinkles, warts and knobs."""


@dataclass(frozen=True)
class Pattern:
    """The marks on the skin."""

    kind: PatternKind
    """What they are like."""
    scale: float = _between(0.02, 0.6)
    """Distance between marks."""
    coverage: float = _between(0, 1)
    """Share of the skin that is marked."""
    contrast: float = _between(0, 1)
    """How strongly the marks differ from the rest."""
    trunk: float = _between(0, 1)
    """How much of the pattern is on the trunk and neck."""
    limbs: float = _between(0, 1)
    """How much is on the limbs and tail."""
    head: float = _between(0, 1)
    """How much is on the head."""
    countershade: float = _between(0, 1)
    """How much paler the belly is."""
    mask: float = _between(0, 1)
    """How strongly marks surround the eyes."""
    socks: float = _between(0, 1)
    """How far up the limbs are dark (or of the mark's colour)."""


@dataclass(frozen=True)
class BodyPlan:
    """The plan of a body, mixed from the traits of its parents and bent."""

    symmetry: Symmetry
    """How the body repeats."""
    pose: Pose
    """What the animal is doing."""
    view_yaw: float = _between(-180, 180)
    """Where it is seen from: 0 its left side, positive from ahead, 90 from the front."""
    view_pitch: float = _between(-20, 60)
    """From how far above it is seen."""
    turn: float = _between(-1, 1)
    """How far the body bends sideways."""
    spine: Spine
    """The trunk."""
    neck: Neck
    """What carries the head."""
    head: Head
    """The skull and the mouth."""
    eyes: Eyes
    """The eyes."""
    ears: Ears
    """The ears."""
    limbs: tuple[Limb, ...] = field(metadata={"max_length": 12})
    """The pairs of limbs, front to rear."""
    tail: Tail
    """The tail."""
    shell: Shell
    """The armour on the back."""
    ornaments: tuple[Ornament, ...] = field(metadata={"max_length": 12})
    """What else grows on it."""
    covering: Covering
    """What the skin is covered with."""
    pattern: Pattern
    """The marks on the skin."""
    palette: Palette
    """The colours."""
    pose_seed: int = field(metadata={"ge": 0, "le": 2**64 - 1})
    """Seed of the pose and of the pattern's growth."""
