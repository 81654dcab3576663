"""The real animals from which every species descends.

What an animal looks like is in `body_traits`, how it sounds in `voice_traits`; here is what both and the field notes
share.
"""

from dataclasses import dataclass

from postcards_species.surroundings import Biome


@dataclass(frozen=True)
class Animal:
    """A real animal that a species may descend from."""

    name: str
    """English name, lower case, with spaces."""
    head: str
    """First half for a coined genus, capitalised, e.g. "Okapi"."""
    tail: str
    """Second half for a coined genus, e.g. "okapia"."""
    mass_kg: float
    """Mass of a grown one."""
    biomes: tuple[Biome, ...]
    """Where it lives, the most usual first."""
    temperament: tuple[str, ...]
    """Adjectives of its behaviour."""
    habits: tuple[str, ...]
    """Verb phrases in the third person, of what it is known for."""


_B = Biome

_ALL = (
    Animal(
        "ant",
        "Formi",
        "myrmex",
        5e-6,
        (_B.JUNGLE, _B.SAVANNA),
        ("dutiful", "tireless"),
        ("carries ten times its weight", "leaves scent roads for its kin", "builds a bridge out of its relatives"),
    ),
    Animal(
        "bass",
        "Micro",
        "perca",
        4,
        (_B.REEF, _B.COAST),
        ("patient", "sudden"),
        ("hangs motionless in the current", "swallows prey in one gulp", "ambushes its own reflection"),
    ),
    Animal(
        "beaver",
        "Casto",
        "castor",
        20,
        (_B.SWAMP, _B.TUNDRA),
        ("industrious", "stubborn"),
        ("dams every stream it finds", "slaps the water when alarmed", "fells a tree to sit where it stood"),
    ),
    Animal(
        "butterfly",
        "Papili",
        "ptera",
        0.0005,
        (_B.JUNGLE, _B.SAVANNA),
        ("flighty", "gentle"),
        (
            "drinks the tears of larger beasts",
            "suns its skin for an hour each dawn",
            "tastes with its feet before it decides",
        ),
    ),
    Animal(
        "cougar",
        "Puma",
        "felis",
        60,
        (_B.MOUNTAIN, _B.DESERT),
        ("solitary", "watchful"),
        ("stalks from above", "buries what it cannot finish", "walks all night to avoid a conversation"),
    ),
    Animal(
        "crab",
        "Cancri",
        "carcinus",
        1.5,
        (_B.COAST, _B.REEF),
        ("sidling", "quarrelsome"),
        ("waves one limb at rivals", "walks sideways when watched", "trades its home for a better one each spring"),
    ),
    Animal(
        "crayfish",
        "Astaco",
        "astacus",
        0.1,
        (_B.SWAMP, _B.CAVE),
        ("shy", "pugnacious"),
        ("retreats backwards into its burrow", "sheds its armour at full moon", "keeps a very tidy burrow"),
    ),
    Animal(
        "crocodile",
        "Croco",
        "suchus",
        500,
        (_B.SWAMP, _B.COAST),
        ("still", "ruthless"),
        ("waits for days without a breath", "carries its young in its mouth", "swallows stones for the company"),
    ),
    Animal(
        "dalmatian",
        "Cani",
        "canis",
        27,
        (_B.SAVANNA, _B.COAST),
        ("loyal", "restless"),
        ("runs beside anything that moves", "greets by circling three times", "brings back what nobody threw"),
    ),
    Animal(
        "dolphin",
        "Delphi",
        "delphis",
        180,
        (_B.REEF, _B.COAST),
        ("playful", "cunning"),
        ("names each of its companions", "sleeps with half of its mind", "invents a game and changes the rules"),
    ),
    Animal(
        "dragonfly",
        "Libello",
        "aeschna",
        0.001,
        (_B.SWAMP, _B.JUNGLE),
        ("darting", "fierce"),
        ("hunts on the wing", "hovers before its own reflection", "guards one bend of the stream against all comers"),
    ),
    Animal(
        "elephant",
        "Elepha",
        "loxodon",
        5000,
        (_B.SAVANNA, _B.JUNGLE),
        ("wise", "mournful"),
        ("stands for days beside its dead", "speaks through the ground", "digs wells for those who come after"),
    ),
    Animal(
        "emu",
        "Dromai",
        "dromaius",
        40,
        (_B.SAVANNA, _B.DESERT),
        ("curious", "nervous"),
        ("booms from a pouch in its throat", "outruns the rain", "follows anyone who looks busy"),
    ),
    Animal(
        "flamingo",
        "Phoenico",
        "pterus",
        3,
        (_B.COAST, _B.SWAMP),
        ("sociable", "vain"),
        ("sleeps on a single limb", "dances in files of hundreds", "filters its soup upside down"),
    ),
    Animal(
        "gerenuk",
        "Litocra",
        "gazella",
        40,
        (_B.SAVANNA, _B.DESERT),
        ("graceful", "wary"),
        ("feeds upright among thorns", "never drinks", "stands so still that vines take hold"),
    ),
    Animal(
        "hawksbill",
        "Chelo",
        "chelys",
        70,
        (_B.REEF, _B.COAST),
        ("ancient", "serene"),
        ("returns to the beach of its birth", "grazes on glass sponges", "navigates by a map it was born with"),
    ),
    Animal(
        "hedgehog",
        "Erina",
        "echinus",
        0.8,
        (_B.JUNGLE, _B.DESERT),
        ("bashful", "prickly"),
        ("rolls into a ball when doubted", "anoints its spines with foam", "snores loudly enough to move leaves"),
    ),
    Animal(
        "ibis",
        "Threski",
        "ibis",
        1.6,
        (_B.SWAMP, _B.COAST),
        ("probing", "solemn"),
        ("reads the mud with its bill", "flies in a single wavering line", "inspects every puddle twice"),
    ),
    Animal(
        "kangaroo",
        "Macro",
        "pus",
        60,
        (_B.SAVANNA, _B.DESERT),
        ("boisterous", "alert"),
        (
            "crosses its range in bounds",
            "drums a warning with its feet",
            "carries its young in a pocket and sometimes other things",
        ),
    ),
    Animal(
        "leopard",
        "Panthe",
        "pardus",
        55,
        (_B.JUNGLE, _B.SAVANNA),
        ("silent", "proud"),
        ("hauls its meals into the canopy", "is heard only when it wishes", "sleeps with all its limbs hanging"),
    ),
    Animal(
        "llama",
        "Lama",
        "glama",
        130,
        (_B.MOUNTAIN, _B.TUNDRA),
        ("haughty", "gregarious"),
        ("hums to its young", "spits at what it disdains", "stares at the horizon until it comes closer"),
    ),
    Animal(
        "lobster",
        "Homa",
        "homarus",
        4,
        (_B.REEF, _B.ABYSS),
        ("ponderous", "long-lived"),
        ("marches in single file along the bottom", "grows until it dies", "tastes the water for old acquaintances"),
    ),
    Animal(
        "mayfly",
        "Epheme",
        "ephemera",
        2e-5,
        (_B.SWAMP, _B.COAST),
        ("hasty", "fragile"),
        ("lives a single evening", "dances above still water", "spends its youth preparing for one party"),
    ),
    Animal(
        "nautilus",
        "Nauti",
        "nautilus",
        1.2,
        (_B.ABYSS, _B.REEF),
        ("drifting", "secretive"),
        ("rises at night and sinks by day", "adds a chamber for every year", "jets backwards into the future"),
    ),
    Animal(
        "octopus",
        "Octo",
        "octopus",
        15,
        (_B.REEF, _B.ABYSS),
        ("ingenious", "moody"),
        ("tastes with its limbs", "changes its skin with its mind", "takes locks apart for pleasure"),
    ),
    Animal(
        "okapi",
        "Okapi",
        "okapia",
        250,
        (_B.JUNGLE, _B.FUNGAL_FOREST),
        ("reclusive", "gentle"),
        (
            "speaks below the hearing of its hunters",
            "cleans its ears with its tongue",
            "walks the same path until it is a road",
        ),
    ),
    Animal(
        "panda",
        "Ailuro",
        "arctos",
        100,
        (_B.MOUNTAIN, _B.JUNGLE),
        ("placid", "clumsy"),
        ("eats for fourteen hours a day", "marks trees in a handstand", "falls out of trees without complaint"),
    ),
    Animal(
        "pigeon",
        "Colum",
        "columba",
        0.35,
        (_B.MOUNTAIN, _B.COAST),
        ("faithful", "fussy"),
        ("finds its way home from anywhere", "bows before it speaks", "courts whatever is standing still"),
    ),
    Animal(
        "platypus",
        "Ornitho",
        "rhynchus",
        1.5,
        (_B.SWAMP, _B.CAVE),
        ("furtive", "odd"),
        ("hunts with its eyes shut", "feels the lightning in its prey", "stores its supper in its cheeks"),
    ),
    Animal(
        "rhino",
        "Rhino",
        "ceros",
        2000,
        (_B.SAVANNA, _B.VOLCANIC),
        ("short-sighted", "headlong"),
        ("charges first", "wallows at noon", "trusts only the bird on its back"),
    ),
    Animal(
        "rooster",
        "Gallo",
        "gallus",
        3,
        (_B.SAVANNA, _B.JUNGLE),
        ("boastful", "punctual"),
        ("announces every dawn twice", "fights its own shadow", "inspects the morning for mistakes"),
    ),
    Animal(
        "scorpion",
        "Scorpi",
        "buthus",
        0.03,
        (_B.DESERT, _B.VOLCANIC),
        ("venomous", "patient"),
        ("glows under the moon", "dances with its rivals claw in claw", "listens with its feet"),
    ),
    Animal(
        "sea horse",
        "Hippo",
        "campus",
        0.02,
        (_B.REEF, _B.COAST),
        ("devoted", "upright"),
        (
            "anchors itself to anything that sways",
            "lets the male bear the young",
            "greets its partner with a dance at every sunrise",
        ),
    ),
    Animal(
        "starfish",
        "Aste",
        "asterias",
        0.5,
        (_B.REEF, _B.ABYSS),
        ("slow", "inexorable"),
        ("digests its meals outside itself", "grows back what it loses", "opens anything by refusing to stop"),
    ),
    Animal(
        "tick",
        "Ixo",
        "ixodes",
        1e-5,
        (_B.JUNGLE, _B.CAVE),
        ("clinging", "unhurried"),
        (
            "waits years for a passer-by",
            "swells to many times its size",
            "climbs the tallest grass and holds out its arms",
        ),
    ),
    Animal(
        "wild cat",
        "Feli",
        "lynx",
        5,
        (_B.JUNGLE, _B.MOUNTAIN),
        ("aloof", "bold"),
        ("hunts at the edge of the light", "purrs when it is about to strike", "ignores what it most wants"),
    ),
)

ANIMALS: dict[str, Animal] = {animal.name: animal for animal in _ALL}
"""Every animal by its name."""
