"""What a naturalist notices about a tongue."""

from postcards_species.speech.phonemes import INVENTORY, Manner
from postcards_species.speech.phonology import Phonology, Plural, Reduplication, WordOrder

_ORDERS: dict[WordOrder, tuple[str, ...]] = {
    WordOrder.SOV: (
        "It saves the verb for last, so that one must wait to learn whether one is being greeted or eaten.",
        "Its sentences end in their verb, like a trap.",
    ),
    WordOrder.SVO: ("It speaks plainly, in an order that any clerk could follow, and is seldom believed.",),
    WordOrder.VSO: (
        "It names the deed before the doer, and often before there is one.",
        "It begins every sentence with the verb, as impatient animals do.",
    ),
    WordOrder.VOS: ("It names itself last in every sentence, which we first took for modesty.",),
    WordOrder.OVS: ("It puts the eaten before the eater in its sentences, out of respect.",),
    WordOrder.OSV: ("It mentions first whatever it is about to eat.",),
}


def remarks_on_speech(phonology: Phonology) -> tuple[str, ...]:
    """Sentences about the tongue, all of them true."""
    grammar = phonology.grammar
    remarks = list(_ORDERS[grammar.word_order])
    if grammar.evidential_share >= 0.75:
        remarks.append("It will tell you nothing without a growl to say how it knows.")
        remarks.append("Every remark it makes ends in a growl of evidence; it would do well in court.")
    if grammar.plural is Plural.REDUPLICATION and grammar.reduplication in (Reduplication.FULL, Reduplication.ECHO):
        remarks.append("It says a thing twice to mean many, so a good harvest is a long conversation.")
    if grammar.drops_pronouns:
        remarks.append("It never says who did it.")
    if phonology.tones > 1:
        remarks.append("The same word sung higher is another word, and its choirs are very careful.")
    manners = [INVENTORY[symbol].manner for symbol in phonology.onsets]
    if manners.count(Manner.CLICK) > 1:
        remarks.append("Its consonants can be heard through a closed tent.")
    if any(INVENTORY[symbol].manner is Manner.GROWL for symbol in phonology.nuclei):
        remarks.append("Some of its words have no vowel in them at all, and are best heard through the soles.")
    if Manner.GURGLE in manners:
        remarks.append("It gargles its consonants, even on formal occasions.")
    return tuple(remarks)
