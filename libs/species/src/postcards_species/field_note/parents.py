"""What each real animal hands down, as a naturalist would put it."""

_PLURALS = {
    "bass": "bass",
    "butterfly": "butterflies",
    "crayfish": "crayfish",
    "dragonfly": "dragonflies",
    "mayfly": "mayflies",
    "nautilus": "nautiluses",
    "octopus": "octopuses",
    "platypus": "platypuses",
    "ibis": "ibises",
    "starfish": "starfish",
}

GIFTS: dict[str, tuple[str, ...]] = {
    "ant": ("work ethic", "sense of duty", "conversation"),
    "bass": ("stare", "appetite", "lower lip"),
    "beaver": ("industry", "respect for carpentry", "front teeth"),
    "butterfly": ("attention span", "flair", "digestion"),
    "cougar": ("walk", "discretion", "opinion of fences"),
    "crab": ("diplomacy", "sense of direction", "temper"),
    "crayfish": ("courage in retreat", "nerves", "housekeeping"),
    "crocodile": ("patience", "table manners", "smile"),
    "dalmatian": ("enthusiasm", "loyalty", "greeting"),
    "dolphin": ("wit", "social calendar", "forehead"),
    "dragonfly": ("reflexes", "marksmanship", "impatience"),
    "elephant": ("memory", "gravity", "knees"),
    "emu": ("curiosity", "haircut", "sense of occasion"),
    "flamingo": ("vanity", "posture", "taste for company"),
    "gerenuk": ("manners", "neck", "indifference to water"),
    "hawksbill": ("serenity", "punctuality", "outlook on life"),
    "hedgehog": ("modesty", "approach to strangers", "breathing"),
    "ibis": ("gravity", "bill", "patience with mud"),
    "kangaroo": ("stride", "boxing style", "way with luggage"),
    "leopard": ("silence", "self-regard", "habit of eating upstairs"),
    "llama": ("contempt", "eyelashes", "aim"),
    "lobster": ("dignity", "stubbornness", "longevity"),
    "mayfly": ("haste", "optimism", "sense of time"),
    "nautilus": ("reserve", "architecture", "buoyancy"),
    "octopus": ("ingenuity", "moods", "grip"),
    "okapi": ("discretion", "tongue", "stockings"),
    "panda": ("appetite", "calm", "balance"),
    "pigeon": ("sense of direction", "self-importance", "voice"),
    "platypus": ("lack of precedent", "privacy", "ankles"),
    "rhino": ("directness", "eyesight", "bulk"),
    "rooster": ("confidence", "timekeeping", "belief in itself"),
    "scorpion": ("hospitality", "composure", "glow"),
    "sea horse": ("constancy", "posture", "domestic arrangements"),
    "starfish": ("persistence", "lack of hurry", "digestion"),
    "tick": ("patience", "loyalty", "grip"),
    "wild cat": ("independence", "purr", "disdain"),
}
"""For each animal, what may follow "the" and go before "of a ..."."""


def with_article(word: str) -> str:
    """A word, e.g. the name of an animal, with "a" or "an"."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def plural_of(animal: str) -> str:
    """Several of an animal."""
    return _PLURALS.get(animal, f"{animal}s")
