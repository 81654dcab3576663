"""What the part services are asked for a postcard: pure functions from its manifest to their requests."""

from postcards.audio.v1 import audio_pb2
from postcards.image.v1 import image_pb2
from postcards.language.v1 import language_pb2
from postcards.species.v1 import body_pb2, phonology_pb2, phrase_pb2, species_pb2, voice_pb2, world_pb2

from postcards_composer.postcards.manifest import Manifest
from postcards_serving.rpc.messages import encode
from postcards_species.species import Species, caption_of


def image_request(manifest: Manifest) -> image_pb2.GenerateImageRequest:
    """The request for the picture, the whole animal in it, with previews."""
    asked, species = manifest.image, manifest.species
    return image_pb2.GenerateImageRequest(
        request_id=_name(manifest, "image"),
        engine=asked.engine,
        seed=manifest.seed,
        strangeness=manifest.strangeness,
        body_plan=encode(species.body_plan, body_pb2.BodyPlan),
        scene=encode(species.scene, world_pb2.Scene),
        prompt=asked.prompt,
        negative_prompt=asked.negative_prompt,
        width=asked.width or 0,
        height=asked.height or 0,
        steps=asked.steps or 0,
        guidance_scale=asked.guidance_scale,
        init_strength=asked.init_strength,
        sampler=asked.sampler,
        previews=True,
        caption=caption_of(species),
        parents=_parents(species),
        style=asked.style,
        exact=asked.exact,
        theme=manifest.theme,
        temperament=species.temperament,
    )


def language_request(manifest: Manifest) -> language_pb2.GeneratePhrasesRequest:
    """The request for the one phrase."""
    asked, species = manifest.language, manifest.species
    request = language_pb2.GeneratePhrasesRequest(
        request_id=_name(manifest, "language"),
        engine=asked.engine,
        seed=manifest.seed,
        phonology=encode(species.phonology, phonology_pb2.Phonology),
        species_name=species.name,
        count=1,
        theme=manifest.theme,
        prompt=asked.prompt,
        temperature=asked.temperature,
        top_p=asked.top_p,
    )
    if asked.intent is not None:
        request.intent = phrase_pb2.Intent.Value(f"INTENT_{asked.intent.name}")
    if asked.mood is not None:
        request.mood = phrase_pb2.Mood.Value(f"MOOD_{asked.mood.name}")
    return request


def audio_request(manifest: Manifest) -> audio_pb2.GenerateAudioRequest:
    """The request for the call that says the phrase; without one the voice chooses its own sounds."""
    asked, species, phrase = manifest.audio, manifest.species, manifest.phrase
    return audio_pb2.GenerateAudioRequest(
        request_id=_name(manifest, "audio"),
        engine=asked.engine,
        seed=manifest.seed,
        strangeness=manifest.strangeness,
        vocal_tract=encode(species.vocal_tract, voice_pb2.VocalTract),
        phrase=None if phrase is None else encode(phrase, phrase_pb2.Phrase),
        scene=encode(species.scene, world_pb2.Scene),
        seconds=asked.seconds,
        prompt=asked.prompt,
        negative_prompt=asked.negative_prompt,
        steps=asked.steps or 0,
        guidance_scale=asked.guidance_scale,
        init_strength=asked.init_strength,
        exact=asked.exact,
        theme=manifest.theme,
        temperament=species.temperament,
        parents=_parents(species),
    )


def _parents(species: Species) -> list[species_pb2.Parent]:
    return [encode(parent, species_pb2.Parent) for parent in species.parents]


def _name(manifest: Manifest, part: str) -> str:
    """Names a request in the logs of all services by the postcard that it is for."""
    return f"{manifest.id}.{manifest.round}.{part}"
