"""What the model is told where the request has no words of its own. The composer knows the species and says more."""

from postcards_audio.engines.vocal_tract.rendering import Score

AUTHORS_PROMPT = (
    "Wildlife documentary field recording of an unsettling, animalistic vocalization that is attempting to mimic human "
    "speech and intonation."
)
"""The sentence that this project's calls began with. A place in it would bring the place's usual animals instead."""

_DEEP, _HIGH = 120.0, 500.0
"""Hertz."""


def write_prompt(score: Score) -> str:
    """A prompt from the anatomy and the phrase of `score`."""
    pitch = score.vocal_tract.pitch_hz
    depth = "Deep guttural" if pitch < _DEEP else "Throaty" if pitch < _HIGH else "High, birdlike"
    return f"{AUTHORS_PROMPT} {depth} resonances. The call is {score.phrase.mood.value}, a {score.phrase.intent.value}."
