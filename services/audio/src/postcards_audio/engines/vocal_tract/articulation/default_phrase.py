"""A phrase for a species that was given none: sounds that its anatomy makes best."""

from postcards_species.speech.phonemes import INVENTORY, Manner, Phoneme
from postcards_species.speech.phrase import Intent, Mood, Phrase, Syllable, Word
from postcards_species.streams import Stream
from postcards_species.voice.derive import VocalTract

_CARRIERS = (Manner.VOWEL, Manner.GROWL, Manner.HUM, Manner.GURGLE, Manner.CHIRP)


def default_phrase(seed: int, tract: VocalTract) -> Phrase:
    """Two to four words of sounds weighed by what `tract` can do. Means nothing; the mood and intent are drawn too."""
    stream = Stream(seed, "own-phrase")
    onsets = _weighed([p for p in INVENTORY.values() if p.manner not in _CARRIERS], tract)
    nuclei = _weighed([p for p in INVENTORY.values() if p.manner in _CARRIERS], tract)
    words = tuple(_word(stream, onsets, nuclei) for _ in range(stream.integer(2, 4)))
    return Phrase(
        animal_text=" ".join(word.text for word in words),
        english_gloss="",
        intent=stream.choice(tuple(Intent)),
        mood=stream.choice(tuple(Mood)),
        words=words,
    )


_Weighed = tuple[list[Phoneme], list[float]]


def _weighed(phonemes: list[Phoneme], tract: VocalTract) -> _Weighed:
    return phonemes, [_ease(phoneme.manner, tract) for phoneme in phonemes]


def _ease(manner: Manner, tract: VocalTract) -> float:
    """How readily an anatomy makes a manner of sound."""
    match manner:
        case Manner.GROWL | Manner.TRILL:
            return 0.2 + 1.5 * tract.roughness + 0.5 * (tract.pitch_hz < 300)
        case Manner.CHIRP:
            return 0.05 + 2.0 * tract.whistle + 0.6 * (tract.pitch_hz > 800)
        case Manner.HUM | Manner.NASAL:
            return 0.3 + 1.4 * tract.nasality
        case Manner.GURGLE:
            return 0.05 + 0.8 * tract.chamber_gain
        case Manner.CLICK | Manner.EJECTIVE:
            return 0.1 + 1.2 * tract.stridulation + 0.5 * tract.click_brightness
        case Manner.FRICATIVE:
            return 0.2 + 0.9 * tract.breathiness
        case Manner.VOWEL:
            return 1.0
        case Manner.STOP | Manner.APPROXIMANT:
            return 0.7


def _word(stream: Stream, onsets: _Weighed, nuclei: _Weighed) -> Word:
    count = stream.integer(1, 3)
    stressed = stream.integer(0, count - 1)
    syllables = tuple(_syllable(stream, onsets, nuclei, i == stressed) for i in range(count))
    return Word("".join(syllable.text for syllable in syllables), "", syllables)


def _syllable(stream: Stream, onsets: _Weighed, nuclei: _Weighed, stressed: bool) -> Syllable:
    sounds = [stream.weighted(*nuclei)]
    if stream.chance(0.75):
        sounds.insert(0, stream.weighted(*onsets))
    if stream.chance(0.35):
        sounds.append(stream.weighted(*onsets))
    return Syllable(
        phonemes=tuple(sound.symbol for sound in sounds),
        text="".join(sound.spelling for sound in sounds),
        stressed=stressed,
        tone=round(stream.gaussian(0, 1.5), 1),
    )
