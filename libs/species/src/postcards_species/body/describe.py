"""A body plan in a sentence of English."""

from postcards_species.body.kinds import (
    EyeKind,
    LimbKind,
    OrnamentKind,
    PatternKind,
    ShellKind,
    Symmetry,
    TailKind,
)
from postcards_species.body.plan import BodyPlan


def _count_word(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[count] if count < len(words) else str(count)


_COVERS = {"fur": "fur", "feathers": "plumage", "scales": "scales", "skin": "bare skin", "chitin": "armour"}


_MARKS = {
    PatternKind.PLAIN: "plain",
    PatternKind.SPOTS: "spotted",
    PatternKind.ROSETTES: "rosetted",
    PatternKind.STRIPES: "striped",
    PatternKind.BANDS: "banded",
    PatternKind.PATCHES: "patched",
    PatternKind.MAZE: "marbled",
    PatternKind.SADDLE: "two-toned",
}


_FEATURES = {
    OrnamentKind.HORN: "horns",
    OrnamentKind.NOSE_HORN: "a horn on its nose",
    OrnamentKind.OSSICONE: "blunt horns",
    OrnamentKind.ANTLER: "antlers",
    OrnamentKind.ANTENNA: "antennae",
    OrnamentKind.SPINES: "a back of spines",
    OrnamentKind.CREST: "a crest",
    OrnamentKind.COMB: "a fleshy comb",
    OrnamentKind.WATTLE: "wattles",
    OrnamentKind.HUMP: "a hump",
    OrnamentKind.DORSAL_FIN: "a fin along its back",
    OrnamentKind.TUSK: "tusks",
    OrnamentKind.MANE: "a mane",
    OrnamentKind.WHISKERS: "whiskers",
    OrnamentKind.RUFF: "a ruff",
}


_TAILS = {
    TailKind.PADDLE: "a paddle tail",
    TailKind.FAN: "a tail like a fan",
    TailKind.FLUKE: "flukes",
    TailKind.PLUMES: "long tail plumes",
    TailKind.CURL: "a coiled tail",
    TailKind.STING: "a stinging tail",
}


_SHELLS = {
    ShellKind.DOME: "a domed shell",
    ShellKind.SPIRAL: "a spiral shell",
    ShellKind.PLATES: "armour plates",
}


_LIMBS = {
    LimbKind.WING: "wings",
    LimbKind.PINCER: "pincers",
    LimbKind.TENTACLE: "tentacles",
    LimbKind.FLIPPER: "flippers",
    LimbKind.FIN: "fins",
    LimbKind.RAY: "a ring of arms",
}

_MOST_FEATURES = 4


def describe_body(plan: BodyPlan) -> str:
    """One noun phrase for those who cannot see the animal, e.g. "a four-legged, long-necked animal with ..."."""
    build = describe_build(plan)
    features = (f"{describe_marks(plan)} {describe_cover(plan)}", *describe_features(plan)[:_MOST_FEATURES])
    joined = features[0] if len(features) == 1 else ", ".join(features[:-1]) + " and " + features[-1]
    article = "an" if build[0][0] in "aeiou" else "a"
    return f"{article} {', '.join(build)} animal with {joined}"


def describe_build(plan: BodyPlan) -> tuple[str, ...]:
    """One to three adjectives: how many legs it has, and what the trunk is like."""
    legs = sum(2 for limb in plan.limbs if limb.kind is LimbKind.LEG)
    adjectives = [f"{_count_word(legs)}-legged" if legs else "legless"]
    if plan.symmetry is Symmetry.RADIAL:
        adjectives.append("star-shaped")
    if plan.neck.length > 0.7:
        adjectives.append("long-necked")
    elif plan.spine.girth_waist > 0.36:
        adjectives.append("stout")
    return tuple(adjectives)


def describe_marks(plan: BodyPlan) -> str:
    """An adjective for the marks on its cover, e.g. "striped"."""
    return _MARKS[plan.pattern.kind]


def describe_cover(plan: BodyPlan) -> str:
    """A noun for what it is covered with, e.g. "fur"."""
    return _COVERS[plan.covering.kind.value]


def describe_features(plan: BodyPlan) -> tuple[str, ...]:
    """Noun phrases for what else one sees, e.g. "three eyes", the most telling first; not how it is covered."""
    features: list[str] = []
    if plan.eyes.count != 2 or plan.eyes.kind is EyeKind.STALKED:
        stalked = "stalked " if plan.eyes.kind is EyeKind.STALKED else ""
        features.append(f"{_count_word(plan.eyes.count)} {stalked}eye" + ("" if plan.eyes.count == 1 else "s"))
    if plan.shell.kind in _SHELLS:
        features.append(_SHELLS[plan.shell.kind])
    kinds = {limb.kind for limb in plan.limbs}
    features.extend(text for kind, text in _LIMBS.items() if kind in kinds)
    features.extend(_FEATURES[ornament.kind] for ornament in plan.ornaments)
    if plan.tail.kind in _TAILS:
        features.append(_TAILS[plan.tail.kind])
    return tuple(features)
