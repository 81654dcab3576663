"""A phrase as a postcard keeps it: phrase.json."""

import json
from typing import Any

from postcards.species.v1 import phrase_pb2

PHRASE_FILE = "phrase.json"


def phrase_file(postcard_id: str, species_name: str, phrase: phrase_pb2.Phrase) -> bytes:
    """The bytes of phrase.json: UTF-8, the same for the same phrase of the same postcard."""
    value = {"postcard": postcard_id, "species": species_name, "phrase": _value(phrase)}
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def _value(phrase: phrase_pb2.Phrase) -> dict[str, Any]:
    return {
        "animal_text": phrase.animal_text,
        "english_gloss": phrase.english_gloss,
        "intent": phrase_pb2.Intent.Name(phrase.intent).removeprefix("INTENT_").lower(),
        "mood": phrase_pb2.Mood.Name(phrase.mood).removeprefix("MOOD_").lower(),
        "words": [
            {
                "text": word.text,
                "gloss": word.gloss,
                "syllables": [
                    {
                        "phonemes": list(syllable.phonemes),
                        "text": syllable.text,
                        "stressed": syllable.stressed,
                        "tone": syllable.tone,
                    }
                    for syllable in word.syllables
                ],
            }
            for word in phrase.words
        ],
    }
