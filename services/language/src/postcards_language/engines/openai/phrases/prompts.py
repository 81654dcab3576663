"""What a language model is told: who it is, which tongue it speaks, and in which form it answers."""

import json
from collections.abc import Sequence

from postcards_language.engine import PhrasesRequest
from postcards_language.engines.openai.phrases.glossing import CRY, STYLED, SUFFIXED
from postcards_language.meaning.composition import theme_concepts
from postcards_language.meaning.concepts import Kind
from postcards_language.meaning.inventory import ALL
from postcards_language.realisation.lexicon import Lexicon
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.phrase import Intent, Mood, Phrase
from postcards_species.speech.words import spell_syllable
from postcards_species.streams import Stream

GUTTURAL = (
    "Generate an alien animal language composed entirely of guttural vocalizations and sounds produced from the "
    "throat. The language should be complex enough to allow for communication of emotions, warnings, and simple "
    "commands. Consider how the species' anatomy (such as multiple vocal cords, resonating chambers, or a non-human "
    "larynx) influences the range of sounds. Provide a phonetic transcription of sample words or phrases, explanations "
    "of their meanings, and basic grammatical rules if applicable. The language should sound primal, raw, and "
    "organic\u2014like a mix of growls, clicks, gurgles, and deep resonant hums. Generate only in the form of the "
    "sounds that these animals would make in the form of onomatopoeias. Don't explain anything just output what the "
    "sounds would sound like in written form."
)
"""The prompt with which the project began, word for word: the default of `PhrasesRequest.prompt`."""

DEFAULT_TEMPERATURE = 1.5
"""Goes with `GUTTURAL`: wild ..."""
DEFAULT_TOP_P = 0.2
"""... but only among the likeliest."""

_CONTENT_WORDS = 64
_CONTENT = (Kind.NOUN, Kind.VERB, Kind.QUALITY)
_LONGEST_ECHO = 3000

_FORM = f"""# The form of your answer

Answer with one JSON object and nothing else, no explanation before or after it:
{{"phrases": [{{"animal_text": "...", "english_gloss": "...", "intent": "...", "mood": "...", \
"words": [{{"text": "...", "gloss": "..."}}]}}]}}

- animal_text: the phrase as the animal says it, only sounds of the species, two to nine words. No English in it.
- english_gloss: what it means, one English sentence. Make it strange and particular, not a commonplace.
- words: every word of animal_text in order, with its gloss. Use the words of the lexicon for their meanings; join two
  meanings with + for a meaning that is not there (stone+rain). Endings: -PL several, -PST it was, -FUT it will be,
  -INTENS very much, -IMP a command, -VOC who is called, e.g. "come-FUT".
- A cry that has no meaning but a feeling is yours to invent from the sounds of the species, with the gloss {CRY}.
  Draw words out (doubled vowels) or say them twice where the feeling asks for it."""


def instructions(request: PhrasesRequest, lexicon: Lexicon, examples: Sequence[Phrase]) -> str:
    """The developer's message: the prompt, the tongue of the species, and the form of an answer with examples."""
    shown = "\n".join(f"{_example(phrase)}" for phrase in examples)
    parts = [request.prompt or GUTTURAL, _tongue(request, lexicon), f"{_FORM}\n\nExamples of its phrases:\n{shown}"]
    return "\n\n".join(parts)


def question(request: PhrasesRequest, wanted: Sequence[tuple[Intent, Mood]], said: Sequence[str]) -> str:
    """The user's message: how many phrases, what each does and feels, and what was said already."""
    lines = [f"Say {_counted(len(wanted), 'phrase')} of {request.species_name or 'this species'}."]
    lines += [f"{i}. intent {intent.value}, mood {mood.value}" for i, (intent, mood) in enumerate(wanted, start=1)]
    if request.theme.strip():
        lines.append(f"They have to do with: {request.theme.strip()}")
    if said:
        lines.append(f"Unlike these, which it has said: {' / '.join(said)}")
    return "\n".join(lines)


def objection(faults: Sequence[str], missing: int) -> str:
    """What the user says to a reply with faults."""
    listed = "\n".join(f"- {fault}" for fault in faults)
    return (
        f"That was not right:\n{listed}\n"
        f"Say {_counted(missing, 'phrase')} again, only as the JSON object described, with nothing around it."
    )


def echo(reply: str) -> str:
    """A reply as it is quoted back to the model."""
    return reply if len(reply) <= _LONGEST_ECHO else f"{reply[:_LONGEST_ECHO]} ..."


def _tongue(request: PhrasesRequest, lexicon: Lexicon) -> str:
    phonology = lexicon.phonology
    grammar = phonology.grammar
    order = ", ".join(
        {"S": "subject", "O": "object", "V": "verb"}[letter.upper()] for letter in grammar.word_order.value
    )
    lines = [
        "# The species",
        "",
        f"It calls itself {request.species_name}." if request.species_name else "",
        f"Sounds that begin syllables: {_spelled(phonology, phonology.onsets)}",
        f"Sounds that carry syllables: {' '.join(spell_syllable(phonology, (s,)) for s in phonology.nuclei)}",
        f"Sounds that end syllables: {_spelled_ends(phonology) or 'none'}",
        f"Syllables: {', '.join(phonology.shapes)} (C a consonant, V a sound that carries it)",
        f"Consonants that begin together: {_clusters(phonology) or 'none'}",
        f"Stress: {phonology.stress.value}. Order: {order}. "
        f"Qualities stand {'before' if grammar.adjective_first else 'after'} things, "
        f"owners {'before' if grammar.possessor_first else 'after'} what they own.",
        f"Lexicon: {_lexicon(request, lexicon)}",
    ]
    return "\n".join(line for line in lines[2:] if line).join((f"{lines[0]}\n\n", ""))


def _lexicon(request: PhrasesRequest, lexicon: Lexicon) -> str:
    """Small words, and content words: those of the theme first, others by the seed, so that phrases do not repeat."""
    small = [concept.key for concept in ALL if concept.kind not in _CONTENT and not _is_mark(concept.key)]
    content = list(dict.fromkeys(concept.key for concept in ALL if concept.kind in _CONTENT))
    wanted = theme_concepts(request.theme)
    near = [key for key in content if key in wanted]
    far = Stream(request.seed, "prompt/words").shuffled([key for key in content if key not in wanted])
    chosen = dict.fromkeys([*small, *near, *far][: len(small) + _CONTENT_WORDS])
    return ", ".join(f"{key}={''.join(morpheme.text for morpheme in lexicon[key])}" for key in chosen)


def _is_mark(key: str) -> bool:
    """Whether the concept is no word of a list: an ending, a cry, a growl that says how the speaker knows."""
    return key in SUFFIXED or key in STYLED or "." in key


def _spelled(phonology: Phonology, symbols: Sequence[str]) -> str:
    written = {entry.symbol: entry.onset for entry in phonology.spellings}
    return " ".join(written.get(symbol) or spell_syllable(phonology, (symbol,)) for symbol in symbols)


def _spelled_ends(phonology: Phonology) -> str:
    nucleus = phonology.nuclei[0]
    begun = len(spell_syllable(phonology, (nucleus,)))
    return " ".join(spell_syllable(phonology, (nucleus, symbol))[begun:] for symbol in phonology.codas)


def _clusters(phonology: Phonology) -> str:
    return " ".join(_spelled(phonology, pair.split(".")).replace(" ", "") for pair in phonology.clusters)


def _example(phrase: Phrase) -> str:
    shown = {
        "animal_text": phrase.animal_text,
        "english_gloss": phrase.english_gloss,
        "intent": phrase.intent.value,
        "mood": phrase.mood.value,
        "words": [{"text": word.text, "gloss": word.gloss} for word in phrase.words],
    }
    return json.dumps(shown, ensure_ascii=False)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
