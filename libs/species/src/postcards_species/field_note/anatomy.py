"""What a naturalist notices about a body: features as noun phrases, and remarks on them."""

from postcards_species.body.plan import (
    BodyPlan,
    CoveringKind,
    EyeKind,
    LimbKind,
    Mouth,
    OrnamentKind,
    PatternKind,
    ShellKind,
    Symmetry,
    TailKind,
)

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

_FEATURES: dict[str, str] = {
    "neck": "a neck that arrives well before the rest of it",
    "trunk": "a trunk",
    "proboscis": "a proboscis",
    "tube": "a mouth like a flute",
    "bill": "a broad bill",
    "beak": "a beak",
    "maw": "a mouth that does not quite close",
    "mandibles": "mandibles",
    "rostrum": "a bottle nose",
    "jaws": "more teeth than it needs",
    "ears": "remarkable ears",
    "spiral": "a spiral shell",
    "dome": "a domed shell",
    "plates": "a back of armour plates",
    "wing": "wings",
    "pincer": "pincers",
    "tentacle": "tentacles",
    "flipper": "flippers",
    "ray": "arms all round",
    "horn": "horns",
    "nose-horn": "a horn on its nose",
    "ossicone": "two blunt horns",
    "antler": "antlers",
    "antenna": "antennae",
    "spines": "a back of spines",
    "crest": "a crest",
    "comb": "a fleshy comb",
    "wattle": "wattles",
    "hump": "a hump",
    "dorsal-fin": "a fin along its back",
    "tusk": "tusks",
    "mane": "a mane",
    "whiskers": "whiskers",
    "ruff": "a ruff",
    "paddle": "a tail like a paddle",
    "fan": "a tail like a fan",
    "fluke": "flukes",
    "plumes": "long tail plumes",
    "curl": "a coiled tail",
    "sting": "a sting",
    "rosettes": "rosettes",
    "stripes": "stripes",
    "maze": "a skin like a map of somewhere else",
    "feathers": "feathers",
}

_REMARKS: dict[str, tuple[str, ...]] = {
    "eyes": (
        "Its {eyes} eyes take turns to sleep, so that it is never entirely asleep and never entirely awake.",
        "It has {eyes} eyes and uses one of them, as far as we can tell, only for disapproval.",
        "Of its {eyes} eyes one is always on the sky, which has never yet rewarded the attention.",
        "Each of its {eyes} eyes prefers a different colour, and decisions take a while.",
        "It blinks its {eyes} eyes in sequence, like someone closing up a house.",
        "It never looks at anything with all {eyes} eyes unless it is in love.",
    ),
    "one-eye": (
        "Its one eye is very good, and it knows it.",
        "Having a single eye, it judges distance by walking there.",
    ),
    "stalked": (
        "Its eyes are on stalks and arrive at everything first.",
        "It looks round corners with one eye before it commits the other.",
    ),
    "neck": (
        "Its neck is so long that a swallowed fruit can be watched on its way, and the young gather to watch.",
        "It keeps its head where the news is and its body where the shade is.",
    ),
    "trunk": (
        "It shakes hands with its trunk, and then wipes it.",
        "It has been seen to carry a single flower in its trunk for a whole day and then to eat it.",
    ),
    "proboscis": (
        "It drinks through its proboscis with an audible satisfaction.",
        "The proboscis is kept rolled up except at meals and funerals.",
    ),
    "tube": ("Its mouth is built for whistling, which it denies.", "It eats by inhaling, and apologises afterwards."),
    "bill": (
        "The bill is warm to the touch; I learned this only once.",
        "It taps its bill twice before entering water, as one knocks at a door.",
    ),
    "beak": (
        "It wipes its beak on the nearest neighbour, who is expected to return the courtesy.",
        "The beak is used for preening, for digging and for ending conversations.",
    ),
    "maw": (
        "Its mouth never quite closes, and small birds have drawn the obvious conclusion and moved in.",
        "It yawns when it is frightened, which has misled a number of predators.",
    ),
    "mandibles": (
        "The click of its mandibles is its applause.",
        "Its mandibles can open a nut or a tin of sardines, and a tent.",
    ),
    "rostrum": ("It points at things with its nose, and is usually right.",),
    "jaws": (
        "It replaces its teeth every spring and hides the old ones, for reasons of its own.",
        "One can count its teeth from a distance, and should.",
    ),
    "ears": (
        "Its ears turn independently: one is always listening to you.",
        "It folds its ears over its eyes when it has heard enough.",
    ),
    "spiral": (
        "Put its shell to your ear and you will hear not the sea but complaints.",
        "Every year it adds a chamber to its shell and moves its regrets into the old one.",
    ),
    "dome": (
        "Rain on its shell puts the whole family to sleep.",
        "The shell is hollow at the back, and something lives there; neither will discuss it.",
    ),
    "plates": (
        "Its plates ring when struck, each at its own pitch, and the young have discovered this.",
        "The plates overlap like roof tiles, and leak like them.",
    ),
    "wing": (
        "It has wings, and folds them again whenever anyone mentions it.",
        "Its wings are used for shade, for argument and, on one recorded occasion, for flight.",
        "It flies badly but with conviction.",
        "It opens its wings to be measured, and holds its breath.",
        "Its wings make a sound like a page being turned, always the same page.",
    ),
    "pincer": (
        "It greets with the larger pincer and eats with the smaller; visitors do well to remember which.",
        "It waves one pincer at the setting sun every evening, and takes the credit.",
    ),
    "tentacle": (
        "Its tentacles do not always agree, and the oldest has the last word.",
        "It tastes everything it touches, which explains its expression.",
        "One tentacle is always behind its back, holding something.",
    ),
    "flipper": (
        "On land its flippers applaud at every step.",
        "It swims like a thought and walks like an apology.",
    ),
    "ray": (
        "It has no front, and so cannot be approached from behind.",
        "All its arms are left arms.",
    ),
    "horn": (
        "It sharpens its horns on the same stone for life, and mourns the stone.",
        "The horns are for show; the real weapon is the silence beforehand.",
        "It lowers its horns to strangers, to rivals and, once a year, to a particular tree.",
    ),
    "nose-horn": (
        "The horn on its nose is in the way of everything it wants.",
        "It sights along its horn, thinks better of it, and goes home.",
        "It hangs things on the horn of its nose, and forgets them there.",
    ),
    "ossicone": ("Its blunt horns grow warm before rain.",),
    "antler": (
        "It sheds its antlers in company, and everyone pretends not to notice.",
        "Birds nest in its antlers, and it walks more carefully in spring.",
    ),
    "antenna": (
        "Two of them meeting will cross antennae and stand so for an hour, exchanging what we take to be gossip.",
        "It reads the wind with its antennae and then does as it had intended.",
        "Its antennae point at the nearest lie.",
        "It cleans its antennae before speaking, and after being spoken to.",
    ),
    "spines": (
        "Its spines lie flat only for its mother.",
        "It collects fallen leaves on its spines and is, by autumn, very well dressed.",
    ),
    "crest": (
        "The crest rises at bad news, and sometimes a little before it.",
        "It raises its crest to everyone, then lowers it to most.",
    ),
    "comb": ("Its comb blushes; the rest of it does not.",),
    "wattle": (
        "It swings its wattles to the left for yes, and to the right for certainly not.",
        "The wattles swing as it walks, and keep time.",
    ),
    "hump": ("Nobody knows what is in the hump, but it has never been known to share it.",),
    "dorsal-fin": ("It raises its fin to travel and lowers it to think.",),
    "tusk": ("One tusk is always shorter: that is the one it does the thinking with.",),
    "mane": (
        "The mane is combed daily, by somebody else.",
        "It goes nowhere in a wind that would spoil its mane.",
    ),
    "whiskers": (
        "It measures every opening with its whiskers and goes in anyway.",
        "A whisker, when shed, is presented to a friend.",
    ),
    "ruff": ("It opens its ruff to look larger, and seems as surprised as anyone by the result.",),
    "paddle": ("A slap of its tail can be heard across the valley and means, roughly, supper.",),
    "fan": ("It fans its tail at thunder, as if to say that it has seen better.",),
    "fluke": ("It leaves the water tail last, and takes its time over it.",),
    "plumes": ("It carries its tail plumes over one arm, so to speak, in the wet season.",),
    "curl": (
        "It ties itself to a stalk by the tail before it dares to dream.",
        "Couples walk with tails entwined, and fall over together.",
    ),
    "sting": (
        "It carries its sting politely, to one side, when passing friends.",
        "The sting is used once a year, chiefly on fruit.",
    ),
    "rosettes": ("No two wear the same rosettes, and borrowing is unknown.",),
    "stripes": ("Its stripes run one way in the morning and seem to run the other by dusk.",),
    "maze": ("The pattern of its skin is a maze with one solution; its young learn it by heart.",),
    "feathers": ("It moults all at once and hides for a week, whistling.",),
    "legs": (
        "It has {legs} legs and moves them in an order that we have not been able to establish.",
        "When it runs, its {legs} legs sound like rain, and frogs come out.",
    ),
}


def features_of(plan: BodyPlan) -> list[str]:
    """Keys of what is worth a remark about the body, the most striking first."""
    found: list[str] = []
    if plan.eyes.count == 1:
        found.append("one-eye")
    elif plan.eyes.kind is EyeKind.STALKED:
        found.append("stalked")
    elif plan.eyes.count > 2:
        found.append("eyes")
    if plan.shell.kind is not ShellKind.NONE and plan.shell.size > 0:
        found.append(plan.shell.kind.value)
    if plan.symmetry is Symmetry.RADIAL and any(limb.kind is LimbKind.RAY for limb in plan.limbs):
        found.append("ray")
    kinds = (LimbKind.TENTACLE, LimbKind.PINCER, LimbKind.WING, LimbKind.FLIPPER)
    found.extend(kind.value for kind in kinds if any(limb.kind is kind for limb in plan.limbs))
    found.extend(dict.fromkeys(ornament.kind.value for ornament in plan.ornaments if _worn(ornament.kind)))
    if plan.tail.kind.value in _REMARKS and plan.tail.kind not in (TailKind.NONE,):
        found.append(plan.tail.kind.value)
    if plan.neck.length > 0.7:
        found.append("neck")
    if plan.head.mouth is not Mouth.MUZZLE:
        found.append(plan.head.mouth.value)
    if plan.ears.length > 0.9:
        found.append("ears")
    if _legs(plan) > 4:
        found.append("legs")
    if plan.pattern.kind in (PatternKind.ROSETTES, PatternKind.STRIPES, PatternKind.MAZE):
        found.append(plan.pattern.kind.value)
    if plan.covering.kind is CoveringKind.FEATHERS:
        found.append("feathers")
    return [key for key in found if key in _REMARKS]


def name_feature(key: str, plan: BodyPlan) -> str:
    """The feature as a noun phrase, e.g. "four eyes"."""
    match key:
        case "eyes":
            return f"{_COUNTS[plan.eyes.count]} eyes"
        case "one-eye":
            return "a single eye"
        case "stalked":
            return "eyes on stalks"
        case "legs":
            return f"{_COUNTS[min(12, _legs(plan))]} legs"
        case _:
            return _FEATURES[key]


def remarks_on(key: str, plan: BodyPlan) -> tuple[str, ...]:
    """Sentences about the feature."""
    eyes, legs = _COUNTS[plan.eyes.count], _COUNTS[min(12, _legs(plan))]
    return tuple(remark.format(eyes=eyes, legs=legs) for remark in _REMARKS[key])


def _legs(plan: BodyPlan) -> int:
    return sum(2 for limb in plan.limbs if limb.kind is LimbKind.LEG)


def _worn(kind: OrnamentKind) -> bool:
    return kind.value in _REMARKS
