"""The shape and skin of a species: its parents' traits, mixed and bent."""

from collections.abc import Sequence
from dataclasses import replace

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent
from postcards_species.body.bending import bend, bend_palette, clamp_to_range, mix_numbers
from postcards_species.body.kinds import (
    LimbKind,
    OrnamentKind,
    PatternKind,
    Pose,
    ShellKind,
    Stance,
    Symmetry,
    TailKind,
)
from postcards_species.body.plan import BodyPlan, Limb, Ornament, Pattern, Shell, Spine, Tail
from postcards_species.body.traits.table import BODY_TRAITS
from postcards_species.body.traits.traits import Traits
from postcards_species.streams import Stream

__all__ = ["BodyPlan", "derive_body"]

_MODULES = (
    *("spine", "neck", "head", "eyes", "ears", "limbs", "tail", "shell", "ornaments"),
    *("covering", "pattern", "palette", "symmetry"),
)
_ALIVE_MARKS = (PatternKind.SPOTS, PatternKind.ROSETTES, PatternKind.STRIPES, PatternKind.MAZE, PatternKind.PATCHES)
_GRAFTS = (LimbKind.WING, LimbKind.PINCER, LimbKind.TENTACLE, LimbKind.FLIPPER, LimbKind.ARM)
_WALKERS = (LimbKind.LEG, LimbKind.TENTACLE, LimbKind.RAY)


def derive_body(seed: int, parents: Sequence[Parent], strangeness: float) -> BodyPlan:
    """The body of the species of `seed` (0 to 2**64 - 1) with the given ancestry.

    Each parent lends at least the trait by which it is best known, so that it can be guessed; proportions are mixed by
    weight. `strangeness` (0 to 1) then bends proportions, colours and counts and grafts what no parent has.

    Raises:
        KeyError: a parent is not one of `animals.ANIMALS`.
    """
    families = [(BODY_TRAITS[parent.animal], parent.weight) for parent in parents]
    owner = _share_out(Stream(seed, "body/share"), families)
    odd = _stray_traits(Stream(seed, "body/stray"), strangeness)
    spine = mix_numbers(families[owner["spine"]][0].spine, [(t.spine, w) for t, w in families], 0.3)
    neck = mix_numbers(families[owner["neck"]][0].neck, [(t.neck, w) for t, w in families], 0.15)
    head = families[owner["head"]][0].head
    symmetry = families[owner["symmetry"]][0].symmetry
    pattern = _mark(Stream(seed, "body/pattern"), families[owner["pattern"]][0].pattern, strangeness)
    limbs = _grow_limbs(Stream(seed, "body/limbs"), families, owner["limbs"], strangeness)
    if symmetry is Symmetry.RADIAL:
        limbs = _ring(limbs, families[owner["symmetry"]][0].limbs)
        if families[owner["head"]][0].symmetry is not Symmetry.RADIAL:
            # Without a neck the head of a star would drown in its middle.
            neck = replace(neck, length=max(neck.length, 0.55), thickness=max(neck.thickness, 0.1))
    ornaments = _gather_ornaments(Stream(seed, "body/ornaments"), families, owner, strangeness)
    shell = odd.get("shell", families[owner["shell"]][0]).shell
    tail = odd.get("tail", families[owner["tail"]][0]).tail
    tail = _fit_tail(tail, shell, symmetry, limbs)
    eyes = odd.get("eyes", families[owner["eyes"]][0]).eyes
    bending = Stream(seed, "body/bend")
    amount = 0.04 + 0.58 * strangeness**1.4
    spine = bend(spine, bending, amount * 0.8)
    neck = bend(neck, bending, amount)
    head = bend(head, bending, amount * 0.8)
    eyes = bend(eyes, bending, amount * 0.8)
    if strangeness > 0.35 and bending.chance((strangeness - 0.35) * 1.1):
        eyes = replace(eyes, count=min(8, eyes.count + bending.choice((1, 1, 2, 2, 4))))
    ears = bend(odd.get("ears", families[owner["ears"]][0]).ears, bending, amount)
    tail = bend(tail, bending, amount)
    colours = bend_palette(
        families[owner["palette"]][0].palette,
        [(t.palette, w) for t, w in families],
        Stream(seed, "body/palette"),
        strangeness,
    )
    pose_stream = Stream(seed, "body/pose")
    pose = _choose_pose(pose_stream, families, limbs, symmetry)
    yaw, pitch = _choose_view(pose_stream, pose, spine, symmetry, limbs)
    return clamp_to_range(
        BodyPlan(
            symmetry=symmetry,
            pose=pose,
            view_yaw=yaw,
            view_pitch=pitch,
            turn=pose_stream.uniform(-0.5, 0.5),
            spine=_settle_spine(spine, limbs, shell, symmetry, pose),
            neck=neck,
            head=head,
            eyes=eyes,
            ears=ears,
            limbs=tuple(bend(limb, bending, amount * 0.7) for limb in limbs),
            tail=tail,
            shell=bend(shell, bending, amount * 0.5),
            ornaments=tuple(bend(ornament, bending, amount) for ornament in ornaments),
            covering=bend(odd.get("covering", families[owner["covering"]][0]).covering, bending, amount * 0.6),
            pattern=pattern,
            palette=colours,
            pose_seed=pose_stream.seed(),
        )
    )


def _share_out(stream: Stream, families: Sequence[tuple[Traits, float]]) -> dict[str, int]:
    """Which parent lends each trait: signatures first, in turn, then by weight."""
    owner: dict[str, int] = {}
    for turn in range(3):
        for index, (traits, _) in enumerate(families):
            if index == 2 and turn == 2:
                continue
            wanted = next((name for name in traits.signature if name not in owner), None)
            if wanted is not None:
                owner[wanted] = index
    weights = [weight**1.4 for _, weight in families]
    for name in _MODULES:
        choice = stream.weighted(range(len(families)), weights)
        owner.setdefault(name, choice)
    return owner


def _stray_traits(stream: Stream, strangeness: float) -> dict[str, Traits]:
    """Traits from animals that are no parents at all, the more the stranger."""
    stray: dict[str, Traits] = {}
    for name in ("tail", "eyes", "ears", "shell", "covering"):
        stranger = BODY_TRAITS[stream.choice(tuple(ANIMALS))]
        if stream.chance(max(0.0, strangeness - 0.55) * 1.1):
            stray[name] = stranger
    return stray


def _grow_limbs(
    stream: Stream, families: Sequence[tuple[Traits, float]], owner: int, strangeness: float
) -> tuple[Limb, ...]:
    limbs = list(families[owner][0].limbs)
    kinds = {limb.kind for limb in limbs}
    for index, (traits, weight) in enumerate(families):
        if index == owner:
            continue
        grafts = [limb for limb in traits.limbs if limb.kind in _GRAFTS and limb.kind not in kinds]
        if grafts and "limbs" in traits.signature and stream.chance(0.45 + 0.5 * weight):
            room = grafts[: 2 if grafts[0].kind is LimbKind.WING else 1]
            limbs.extend(room)
            kinds.update(limb.kind for limb in room)
        elif len(limbs) > 1 and any(limb.kind is LimbKind.LEG for limb in traits.limbs) and stream.chance(0.3):
            limbs = _swap_front_or_rear(stream, limbs, traits.limbs)
    extra = stream.unit()
    if extra < strangeness * 0.8 - 0.2 and limbs:
        model = stream.choice(limbs)
        for _ in range(1 + int(stream.unit() * strangeness * 2.2)):
            limbs.append(replace(model, at=stream.uniform(0.15, 0.85), length=model.length * stream.uniform(0.8, 1.1)))
    return tuple(sorted(limbs[:10], key=lambda limb: -limb.at))


def _ring(limbs: Sequence[Limb], rays: Sequence[Limb]) -> tuple[Limb, ...]:
    """`limbs` with the rays that make a radial body, none twice."""
    if any(limb.kind is LimbKind.RAY for limb in limbs):
        return tuple(limbs)
    return (*limbs[: 12 - len(rays)], *rays)


def _swap_front_or_rear(stream: Stream, limbs: list[Limb], others: Sequence[Limb]) -> list[Limb]:
    """Front legs of one parent and hind legs of another, at a common height."""
    ours = [limb for limb in limbs if limb.kind is LimbKind.LEG]
    theirs = [limb for limb in others if limb.kind is LimbKind.LEG]
    if len(ours) != 2 or not theirs or theirs[0].stance is Stance.ARTHROPOD:
        return limbs
    old = stream.choice(ours)
    new = theirs[0] if old is ours[0] else theirs[-1]
    rest = [limb for limb in limbs if limb is not old]
    return [*rest, replace(new, at=old.at, length=0.5 * (new.length + old.length))]


def _gather_ornaments(
    stream: Stream, families: Sequence[tuple[Traits, float]], owner: dict[str, int], strangeness: float
) -> tuple[Ornament, ...]:
    found: dict[OrnamentKind, Ornament] = {}
    for index, (traits, weight) in enumerate(families):
        for ornament in traits.ornaments:
            certain = owner["ornaments"] == index
            if (certain or stream.chance(0.2 + 0.8 * weight)) and ornament.kind not in found:
                found[ornament.kind] = ornament
    if stream.chance(strangeness * 0.75):
        kind = stream.choice(tuple(OrnamentKind))
        size = stream.uniform(0.35, 1.2)
        found.setdefault(kind, Ornament(kind, size, stream.integer(1, 5), stream.uniform(-0.8, 0.8)))
    return tuple(found.values())


def _mark(stream: Stream, pattern: Pattern, strangeness: float) -> Pattern:
    if stream.chance(strangeness * 0.5):
        pattern = replace(
            pattern,
            kind=stream.choice(_ALIVE_MARKS),
            coverage=stream.uniform(0.25, 0.6),
            contrast=stream.uniform(0.5, 1),
            trunk=1,
            limbs=stream.uniform(0.3, 1),
            head=stream.uniform(0.2, 0.9),
            scale=stream.uniform(0.07, 0.2),
        )
    return replace(pattern, scale=pattern.scale * stream.uniform(0.85, 1.2))


def _fit_tail(tail: Tail, shell: Shell, symmetry: Symmetry, limbs: Sequence[Limb]) -> Tail:
    if shell.kind is ShellKind.SPIRAL or symmetry is Symmetry.RADIAL:
        return Tail(TailKind.NONE, 0, 0.02, 0)
    swims = not any(limb.kind in (*_WALKERS, LimbKind.WING) for limb in limbs)
    if swims and tail.kind in (TailKind.NONE, TailKind.TUFT):
        return Tail(TailKind.FAN, 0.5, 0.1, 0)
    return tail


def _settle_spine(spine: Spine, limbs: Sequence[Limb], shell: Shell, symmetry: Symmetry, pose: Pose) -> Spine:
    """A trunk that its limbs can carry: level on many legs, upright only on hind ones."""
    legs = [limb for limb in limbs if limb.kind is LimbKind.LEG]
    pitch = spine.pitch
    if symmetry is Symmetry.RADIAL:
        pitch = 0.0
    elif legs and min(limb.at for limb in legs) > 0.5 and max(limb.stance is Stance.BIRD for limb in legs):
        pitch = min(pitch, 20.0)
    elif len(legs) >= 2 and legs[0].at - legs[-1].at > 0.4:
        pitch = min(pitch, 24.0)
    if shell.kind in (ShellKind.DOME, ShellKind.SPIRAL):
        pitch = min(pitch, 16.0)
    if pose is Pose.SWIMMING and pitch < 45:
        pitch *= 0.4
    return replace(spine, pitch=pitch)


def _choose_pose(
    stream: Stream, families: Sequence[tuple[Traits, float]], limbs: Sequence[Limb], symmetry: Symmetry
) -> Pose:
    walks = any(limb.kind in _WALKERS for limb in limbs)
    flies = any(limb.kind is LimbKind.WING for limb in limbs)
    quadruped = sum(limb.kind is LimbKind.LEG and limb.stance not in (Stance.BIRD, Stance.ARTHROPOD) for limb in limbs)
    candidates: list[Pose] = []
    weights: list[float] = []
    for traits, weight in families:
        for rank, pose in enumerate(traits.poses):
            if pose in (Pose.SITTING, Pose.REARING) and quadruped < 2:
                continue
            if pose is Pose.SWIMMING and any(limb.kind is LimbKind.LEG for limb in limbs):
                continue
            if pose is Pose.HOVERING and not flies:
                continue
            if pose not in (Pose.SWIMMING, Pose.HOVERING) and not walks:
                continue
            if pose is Pose.COILED and symmetry is Symmetry.RADIAL:
                continue
            candidates.append(pose)
            weights.append(weight / (1 + 0.35 * rank))
    if not candidates:
        return Pose.STANDING if walks else Pose.HOVERING if flies else Pose.SWIMMING
    return stream.weighted(candidates, weights)


def _choose_view(
    stream: Stream, pose: Pose, spine: Spine, symmetry: Symmetry, limbs: Sequence[Limb]
) -> tuple[float, float]:
    low = any(limb.stance in (Stance.ARTHROPOD, Stance.SPRAWL) and limb.kind is not LimbKind.FIN for limb in limbs)
    flat = spine.flatness > 1.3 or symmetry is Symmetry.RADIAL
    yaw = stream.uniform(-38, -8) if pose is Pose.LOOKING_BACK else stream.uniform(14, 50)
    if pose is Pose.SWIMMING and not low:
        yaw = stream.uniform(4, 32)
    if stream.chance(0.12) and pose not in (Pose.LOOKING_BACK, Pose.GRAZING):
        yaw = stream.uniform(52, 68)
    pitch = stream.uniform(24, 40) if flat else stream.uniform(12, 26) if low else stream.uniform(3, 17)
    if any(limb.kind is LimbKind.WING and limb.stance is Stance.ARTHROPOD for limb in limbs):
        pitch = stream.uniform(22, 40)
    if symmetry is Symmetry.RADIAL:
        pitch = stream.uniform(30, 50)
    if stream.chance(0.5):
        yaw = 180 - yaw
        if yaw > 180:
            yaw -= 360
    return yaw, pitch
