"""The values that describe the shape and the skin of an animal.

Lengths are in units of the trunk, hip to shoulder, unless stated otherwise; angles are in degrees.
"""

from dataclasses import dataclass, field

from postcards_species.body.kinds import (
    CoveringKind,
    EyeKind,
    Foot,
    LimbKind,
    Mouth,
    OrnamentKind,
    PatternKind,
    Pose,
    ShellKind,
    Stance,
    Symmetry,
    TailKind,
)


@dataclass(frozen=True)
class Colour:
    """A colour in sRGB."""

    red: float = field(metadata={"ge": 0, "le": 1})
    """Red."""
    green: float = field(metadata={"ge": 0, "le": 1})
    """Green."""
    blue: float = field(metadata={"ge": 0, "le": 1})
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
    """The trunk, from hip to shoulder."""

    pitch: float = field(metadata={"ge": -30, "le": 90})
    """How far the shoulder is raised above the hip: 0 level, 90 upright."""
    arch: float = field(metadata={"ge": -0.4, "le": 0.6})
    """How far the middle rises above the line from hip to shoulder; negative hangs."""
    girth_rump: float = field(metadata={"ge": 0.03, "le": 0.6})
    """Radius over the hip."""
    girth_waist: float = field(metadata={"ge": 0.03, "le": 0.7})
    """Radius in the middle."""
    girth_chest: float = field(metadata={"ge": 0.03, "le": 0.6})
    """Radius over the shoulder."""
    flatness: float = field(metadata={"ge": 0.35, "le": 3})
    """Width over height of the cross-section: under 1 narrow like a fish, over 1 flat like a crab."""
    hump: float = field(metadata={"ge": 0, "le": 0.4})
    """Height of a hump over the shoulder."""
    segments: int = field(metadata={"ge": 0, "le": 16})
    """Visible rings; 0 is smooth."""


@dataclass(frozen=True)
class Neck:
    """What carries the head."""

    length: float = field(metadata={"ge": 0, "le": 2.5})
    """Shoulder to skull."""
    thickness: float = field(metadata={"ge": 0.02, "le": 0.5})
    """Radius in the middle."""
    rise: float = field(metadata={"ge": -40, "le": 90})
    """Angle above the horizon."""
    bend: float = field(metadata={"ge": -1, "le": 1})
    """Curve of an S: 0 straight, 1 a flamingo's."""


@dataclass(frozen=True)
class Head:
    """The skull and the mouth."""

    size: float = field(metadata={"ge": 0.05, "le": 0.8})
    """Length of the skull without the snout."""
    width: float = field(metadata={"ge": 0.4, "le": 1.8})
    """Width of the skull over its length."""
    height: float = field(metadata={"ge": 0.4, "le": 1.8})
    """Height of the skull over its length."""
    mouth: Mouth
    """What is in front of the face."""
    snout_length: float = field(metadata={"ge": 0, "le": 3})
    """Length of the snout, beak, trunk or proboscis over that of the skull."""
    snout_width: float = field(metadata={"ge": 0.05, "le": 1.2})
    """Width of the snout over that of the skull."""
    snout_curve: float = field(metadata={"ge": -1, "le": 1})
    """How far the snout bends down; negative bends up."""
    teeth: float = field(metadata={"ge": 0, "le": 1})
    """How much of the teeth shows."""
    brow: float = field(metadata={"ge": 0, "le": 1})
    """How heavily the brow hangs over the eye."""


@dataclass(frozen=True)
class Eyes:
    """All eyes of an animal, which are alike."""

    kind: EyeKind
    """What an eye is like."""
    count: int = field(metadata={"ge": 1, "le": 8})
    """How many there are."""
    size: float = field(metadata={"ge": 0.03, "le": 0.5})
    """Radius over the length of the skull."""
    forward: float = field(metadata={"ge": 0, "le": 1})
    """0 look sideways, 1 look ahead."""
    lid: float = field(metadata={"ge": 0, "le": 0.8})
    """How far the upper lid covers the eye."""


@dataclass(frozen=True)
class Ears:
    """The ears; a length of 0 means none."""

    length: float = field(metadata={"ge": 0, "le": 2.5})
    """Length over that of the skull."""
    width: float = field(metadata={"ge": 0.1, "le": 1.5})
    """Width over length."""
    point: float = field(metadata={"ge": 0, "le": 1})
    """0 round, 1 pointed."""
    spread: float = field(metadata={"ge": 0, "le": 1})
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
    at: float = field(metadata={"ge": -0.1, "le": 1.2})
    """Where it sits along the trunk: 0 the hip, 1 the shoulder, above 1 the head."""
    length: float = field(metadata={"ge": 0.05, "le": 3})
    """From root to end."""
    thickness: float = field(metadata={"ge": 0.005, "le": 0.3})
    """Radius near the root."""
    splay: float = field(metadata={"ge": 0, "le": 1})
    """0 under the body, 1 straight out to the side."""


@dataclass(frozen=True)
class Tail:
    """How the trunk ends behind."""

    kind: TailKind
    """What it is like."""
    length: float = field(metadata={"ge": 0, "le": 3})
    """Length."""
    thickness: float = field(metadata={"ge": 0.005, "le": 0.4})
    """Radius at the root."""
    lift: float = field(metadata={"ge": -90, "le": 120})
    """Angle above the line of the back."""


@dataclass(frozen=True)
class Shell:
    """The armour on the back."""

    kind: ShellKind
    """What it is like."""
    size: float = field(metadata={"ge": 0, "le": 1.6})
    """Length over that of the trunk."""
    height: float = field(metadata={"ge": 0, "le": 1.2})
    """Height over its length."""


@dataclass(frozen=True)
class Ornament:
    """One thing more that grows on the animal."""

    kind: OrnamentKind
    """What it is."""
    size: float = field(metadata={"ge": 0.02, "le": 2.5})
    """Length; on the head in skulls, elsewhere in trunks."""
    count: int = field(metadata={"ge": 1, "le": 12})
    """How many, pairs counted once; ignored where it makes no sense."""
    curve: float = field(metadata={"ge": -1, "le": 1})
    """Bend: positive backwards or down."""


@dataclass(frozen=True)
class Covering:
    """What the skin is covered with."""

    kind: CoveringKind
    """What it is."""
    length: float = field(metadata={"ge": 0, "le": 1})
    """Length of hair or size of scales and feathers, 0 finest to 1 coarsest."""
    gloss: float = field(metadata={"ge": 0, "le": 1})
    """0 matt, 1 wet."""
    relief: float = field(metadata={"ge": 0, "le": 1})
    """Wrinkles, warts and knobs."""


@dataclass(frozen=True)
class Pattern:
    """The marks on the skin."""

    kind: PatternKind
    """What they are like."""
    scale: float = field(metadata={"ge": 0.02, "le": 0.6})
    """Distance between marks."""
    coverage: float = field(metadata={"ge": 0, "le": 1})
    """Share of the skin that is marked."""
    contrast: float = field(metadata={"ge": 0, "le": 1})
    """How strongly the marks differ from the rest."""
    trunk: float = field(metadata={"ge": 0, "le": 1})
    """How much of the pattern is on the trunk and neck."""
    limbs: float = field(metadata={"ge": 0, "le": 1})
    """How much is on the limbs and tail."""
    head: float = field(metadata={"ge": 0, "le": 1})
    """How much is on the head."""
    countershade: float = field(metadata={"ge": 0, "le": 1})
    """How much paler the belly is."""
    mask: float = field(metadata={"ge": 0, "le": 1})
    """How strongly marks surround the eyes."""
    socks: float = field(metadata={"ge": 0, "le": 1})
    """How far up the limbs are dark (or of the mark's colour)."""


@dataclass(frozen=True)
class BodyPlan:
    """The plan of a body, mixed from the traits of its parents and bent."""

    symmetry: Symmetry
    """How the body repeats."""
    pose: Pose
    """What the animal is doing."""
    view_yaw: float = field(metadata={"ge": -180, "le": 180})
    """Where it is seen from: 0 its left side, positive from ahead, 90 from the front."""
    view_pitch: float = field(metadata={"ge": -20, "le": 60})
    """From how far above it is seen."""
    turn: float = field(metadata={"ge": -1, "le": 1})
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
