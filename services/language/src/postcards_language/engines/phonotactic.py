"""The embedded engine: a lexicon and a grammar computed from the phonology of the species."""

from importlib.metadata import version as package_version

from postcards_language.engine import PhrasesRequest, PhrasesResult
from postcards_language.meaning.composition import MOODS_OF, compose
from postcards_language.realisation.lexicon import Lexicon, lexicon_of
from postcards_language.realisation.phonology_check import check_phonology
from postcards_language.realisation.sentences import realise_sentence
from postcards_serving.engine.work import Item, Progress, Provenance, Work, json_settings
from postcards_serving.errors import Code, ServiceError
from postcards_species.place.theme import Theme, read_theme
from postcards_species.speech.phrase import Intent, Mood, Phrase
from postcards_species.streams import Stream

_TRIES = 60
_THEME_SHARE = 0.7


class PhonotacticEngine:
    """Makes phrases by computation alone. Pure: the same request gives the same phrases on every machine."""

    name = "phonotactic"
    version = "1"
    stages: tuple[str, ...] = ("lexicon", "phrases")
    requests_at_once = None

    def generate(self, request: PhrasesRequest, work: Work) -> PhrasesResult:
        """Makes the phrases; about 1 ms each after 50 ms for a lexicon that is not in the cache.

        Raises:
            InvalidField: the phonology names a phoneme that does not exist, spells in English, or can build
                too few syllables.
            Cancelled, DeadlineExceeded: see `Work.check`.
        """
        check_phonology(request.phonology)
        work.report(Progress("lexicon", 0, request.count + 1, 0.0))
        lexicon = lexicon_of(request.phonology)
        phrases: list[Phrase] = []
        patterns: list[str] = []
        for index in range(request.count):
            work.check()
            phrase, pattern = _one_phrase(lexicon, request, index, phrases, patterns)
            phrases.append(phrase)
            patterns.append(pattern)
            work.report(Item(phrase))
            done = index + 2
            work.report(
                Progress("phrases", done, request.count + 1, done / (request.count + 1), text=phrase.animal_text)
            )
        return PhrasesResult(tuple(phrases), self._provenance(request))

    def close(self) -> None:
        """Frees nothing: lexicons are cached for the whole process."""

    def _provenance(self, request: PhrasesRequest) -> Provenance:
        ignored = [name for name in ("prompt", "temperature", "top_p") if getattr(request, name) not in (None, "")]
        return Provenance(
            engine=self.name,
            engine_version=self.version,
            device="cpu",
            settings=json_settings(**request.settings()),
            libraries={"postcards-species": package_version("postcards-species")},
            notes=tuple(f"{name} was ignored: this engine computes" for name in ignored),
        )


def _one_phrase(
    lexicon: Lexicon, request: PhrasesRequest, index: int, before: list[Phrase], patterns: list[str]
) -> tuple[Phrase, str]:
    """A phrase unlike those `before`, and its pattern."""
    stream = Stream(request.seed, f"phrase/{index}")
    theme = read_theme(request.theme)
    intent, mood = choose_intent_and_mood(stream, request, theme, index)
    said = {phrase.animal_text for phrase in before} | {phrase.english_gloss for phrase in before}
    share = lexicon.phonology.grammar.evidential_share
    for _ in range(_TRIES):
        sentence, pattern = compose(stream, intent, mood, request.theme, share, patterns)
        phrase = realise_sentence(lexicon, sentence, intent, mood, stream)
        if phrase is not None and said.isdisjoint((phrase.animal_text, phrase.english_gloss)):
            return phrase, pattern
    raise ServiceError(Code.INTERNAL, "NOTHING_LEFT_TO_SAY", f"no further phrase was found for {intent.value}")


def choose_intent_and_mood(stream: Stream, request: PhrasesRequest, theme: Theme, index: int) -> tuple[Intent, Mood]:
    """As asked; else as the theme leans; else all intents in turn, each in one of its usual moods."""
    intent, mood = request.intent, request.mood
    if mood is None and theme.moods and stream.chance(_THEME_SHARE):
        mood = stream.choice(theme.moods)
    if intent is None and theme.intents and stream.chance(_THEME_SHARE):
        intent = stream.choice(theme.intents)
    if intent is None:
        fitting = [other for other in Intent if mood is None or mood in MOODS_OF[other]]
        in_turn = Stream(request.seed, f"intents/{index // len(fitting)}").shuffled(fitting)
        intent = in_turn[index % len(fitting)]
    if mood is None:
        usual = MOODS_OF[intent]
        mood = stream.weighted(usual, [1 / (rank + 1) for rank in range(len(usual))])
    return intent, mood
