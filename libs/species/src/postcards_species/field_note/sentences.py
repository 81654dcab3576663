"""The sentences of a naturalist: openings, places, habits and details.

In all of them `{name}` is the animal, `{one}` and `{other}` are two parents with their articles, `{bare_one}` and
`{bare_other}` without, `{ones}` and `{others}` several of them, `{gift}` and `{other_gift}` what they hand down.
"""

from postcards_species.surroundings import Biome

OPENINGS: tuple[str, ...] = (
    "The {name} has the {gift} of {one} and the {other_gift} of {other}, and is at ease with neither.",
    "Somewhere in its history {one} met {other}, and neither family speaks of it; the result is the {name}.",
    "To the {gift} of {one} the {name} adds the {other_gift} of {other}, which is more than most visitors expect.",
    "Whoever has met {one} knows half of the {name}; the other half is {bare_other}, and makes the decisions.",
    "We took our first {name} for {one}, until it turned round.",
    "Everything about the {name} says {bare_one}, except the {other_gift}: pure {bare_other}.",
    "The {name} is what {one} might have been, had it been brought up by {others}.",
    "It took us a week to find the {name}, and another to admit that it had found us first.",
    "The {name} is {bare_one} in the mornings and {bare_other} after dark.",
    "Local opinion is divided on the {name}: {ones} avoid it, and {others} claim to be related.",
    "The {name} walks like {one} and thinks like {other}, though seldom at the same time.",
    "In the {name} the {gift} of {one} came up against the {other_gift} of {other}, and something gave way.",
    "The museum has filed the {name} under {ones}, then under {others}, and now under Miscellaneous.",
    "From a distance the {name} is {one}; from close by it is {other}; from closer still, nobody has reported.",
    "Nobody believed in the {name} until one of them sat down on our map.",
    "The {name} would be an ordinary {bare_one} but for the {other_gift}, which it owes to {other}.",
    "I have spent eleven seasons with the {name}; it has spent, I think, one with me.",
    "If {one} and {other} were to write to each other, the {name} would be the correspondence.",
    "Children here draw the {name} as {one} having second thoughts.",
    "The {name} has never heard of {ones} and resents the comparison; {others} it tolerates.",
    "The first skull of the {name} reached us in a box marked “{bare_one}, damaged”.",
    "My description of the {name} says {bare_one}, then {bare_other}, then only “oh”.",
    "Half {bare_one} and half {bare_other}, the {name} behaves as if there were a third half.",
    "One hears the {name} first, then sees it, then hears it again, closer.",
    "The {name} is {one} by descent, {other} by inclination, and late by habit.",
    "There are people who cannot tell the {name} from {one}; they do not stay long in the field.",
    "Take the {gift} of {one}, add the {other_gift} of {other}, leave it out in the rain: that is the {name}.",
)
"""First sentences."""

FEATURE_OPENINGS: tuple[str, ...] = (
    "The {name} has {feature} and {second_feature}, and has never decided which of them to be proud of.",
    "Of the {name} one sees {feature} first, then {second_feature}, and by then it has seen enough of you.",
    "With {feature} and {second_feature}, the {name} looks like {one} described over a bad line.",
    "The {name} is, broadly, {one} with {feature}; for the {other_gift}, blame the {bare_other} side.",
    "Nature gave the {name} {feature}, then, as if in apology, {second_feature}.",
    "There is a good deal of {bare_one} in the {name}, and {feature} besides.",
    "Some animals have {feature}, others {second_feature}; the {name} could not choose.",
    "The {name} owes {feature} to its ancestors and the {other_gift} of {other} to its friends.",
    "Once one has got used to {feature}, the {name} is quite like {one}; but one does not.",
    "The {name} wears {feature} as other animals wear an expression.",
)
"""First sentences about the body; `{feature}` and `{second_feature}` are noun phrases."""

PLACES: dict[Biome, tuple[str, ...]] = {
    Biome.JUNGLE: (
        "in the wettest third of the jungle",
        "under the lowest leaves of the jungle",
        "wherever the jungle is too dense for maps",
    ),
    Biome.SWAMP: (
        "in the part of the swamp that bubbles",
        "among drowned trees",
        "where the swamp cannot decide whether to be a lake",
    ),
    Biome.DESERT: (
        "on the shaded side of dunes",
        "where the desert keeps its only tree",
        "in a desert that it would prefer to be emptier",
    ),
    Biome.SAVANNA: (
        "in long grass that it considers private",
        "on the open savanna",
        "within sight of the one good waterhole",
    ),
    Biome.TUNDRA: (
        "on frozen ground that it has warmed by sitting",
        "north of everything sensible",
        "between the last lichen and the first ice",
    ),
    Biome.COAST: (
        "just above the tide line",
        "among the rocks where the gulls do not go",
        "on beaches that face the wrong way",
    ),
    Biome.REEF: (
        "in the noisier quarters of the reef",
        "between two corals that it considers its own",
        "on the sunlit side of the reef",
    ),
    Biome.ABYSS: (
        "a mile below the last of the light",
        "on the sea floor where no light comes",
        "at depths where it is rude to glow",
    ),
    Biome.CAVE: (
        "in caves with good echoes",
        "beyond the third bend of any cave",
        "where the bats are quietest",
    ),
    Biome.FUNGAL_FOREST: (
        "in the shade of mushrooms the size of churches",
        "among fungi that it appears to water",
        "where the spores fall thickest",
    ),
    Biome.MOUNTAIN: (
        "above the clouds on a ledge of its choosing",
        "high enough to look down on eagles",
        "on slopes that it descends only to complain",
    ),
    Biome.VOLCANIC: (
        "on warm ash close to the vent",
        "where the ground smokes",
        "on lava that has only just made up its mind",
    ),
}
"""Where it lives, to follow "it lives"."""

HABITS: tuple[str, ...] = (
    "It lives {place}, {habit}, and {other_habit}.",
    "It lives {place}; there it {habit} and, when it thinks itself alone, {other_habit}.",
    "Look for it {place}: it {habit}, and it {other_habit}, generally in that order.",
    "It lives {place}, {habit}, and has never once been hurried.",
    "{Place}, it {habit}; elsewhere it merely passes through, looking {temper}.",
    "It makes its home {place}, {habit}, and is {temper} about everything else.",
    "It is at its best {place}, and at dusk: that is when it {habit}.",
    "{A_temper} animal, it {habit}, and likes to do so {place}.",
    "It {habit} and {other_habit}, all of it {place} and most of it before breakfast.",
    "It lives {place}, as its mother did, and {habit}, as she did too.",
    "It was first met {place} by a man who noted only that it {habit}, and ran.",
    "Found {place}, it {habit}; disturbed, it {other_habit}.",
    "It spends the day {place} and the night somewhere better; in between, it {habit}.",
    "It {habit}, chiefly {place}, and chiefly when nobody has asked.",
    "It will not live anywhere but {place}, and there it {habit}.",
    "You will find it {place} or not at all; it {habit}, and seems {temper} until spoken to.",
    "On good days it {habit}; on bad days it {other_habit}; on all days it stays {place}.",
    "It is {temper} company: it {habit}, it {other_habit}, and it does both {place}.",
    "It keeps house {place} and {habit}, which the neighbours put down to its upbringing.",
    "It sleeps {place}, and all its plans are made there; by noon it {habit}.",
    "Born {place}, it {habit} before it can properly walk.",
    "Its whole life is spent {place}; it {habit}, it {other_habit}, and it is content.",
    "The {temper} ones live {place} and are seldom seen; the others come to the camp, and each of them {habit}.",
    "It came to live {place} long before us, {habit}, and clearly hopes to be there after us as well.",
)
"""Second sentences."""

DETAILS: tuple[str, ...] = (
    "Of the eleven calls we recorded, nine were addressed to the tent.",
    "It buries its dead, and once, for reasons still debated, my left boot.",
    "It has never been seen to drink, though it will hold water in its mouth for days, apparently to be polite.",
    "Field assistants are advised not to whistle.",
    "A lullaby that I hummed in May came back to me in June, corrected.",
    "It counts its young every evening and is always one too many; nobody minds.",
    "If you sit still for an hour it will sit down beside you, and sigh.",
    "Its footprints stop, quite often, in the middle of open ground.",
    "It is afraid of nothing but umbrellas.",
    "The young are born knowing one word, and it is not a kind one.",
    "When two of them disagree, they go and stand in the rain until one forgives.",
    "It remembers faces, and holds them against you.",
    "At the new moon it says nothing at all, and the whole valley listens.",
    "We have one photograph, in which it is holding our camera.",
    "It sleeps facing the way it came.",
    "It returns lost things, but not to their owners.",
    "Old ones are fed by the young and, in exchange, laugh at their jokes.",
    "It will not cross its own shadow, so at noon it makes very good time.",
    "Every spring it digs up a stone, looks at it for a while, and puts it back.",
    "It smells of rain, even in the dry season, when this is considered boastful.",
    "It has a word for us; our guide blushed and would not translate it.",
    "It mates for life, and for some time afterwards.",
    "My notes for the third week consist of a single line: it waved.",
    "It keeps one stone warm, always the same one, and will not say for whom.",
    "When it is content it hums, and pots rattle on our shelf half a mile away.",
    "The oldest of them has a name for every tree, and two for the tree that fell.",
    "It steals laundry, but only the blue.",
    "It can be tamed with patience and figs; I had only figs.",
    "It bows to the moon, and to a certain rock that resembles it.",
    "No one has ever seen it arrive.",
    "It will share its food with anyone who does not look directly at it.",
    "Its yawn is contagious across at least four species, including ours.",
    "It gives its name before it bites, as a matter of form.",
    "In forty days we saw it make one mistake, and it looked round to see who had noticed.",
    "It weeps when it eats, but it also weeps when it wins at games.",
    "It keeps the bones of its meals in order of size.",
    "During thunder it stands up straight, as for an anthem.",
    "I sang to it once; it moved upwind.",
    "It is the only animal I know that closes a door behind it.",
    "It has learned to knock.",
    "It does not sing; it hums the bass part of a song that nobody else remembers.",
    "It is said to bring luck, though not to whom.",
    "Each of them owns one leaf, and there is an order in which the leaves are shown.",
    "It has outlived two expeditions and attended both farewells.",
    "It cannot count, but it can tell when you have taken one.",
    "I left it a mirror; in the morning there was a fish in front of it.",
    "It pretends to be asleep so well that it has begun to dream.",
    "It apologises to stones, but not to botanists.",
)
"""Last sentences, true of any of them."""
