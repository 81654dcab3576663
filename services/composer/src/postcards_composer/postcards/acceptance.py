"""From a request to a postcard that is yet to be made."""

from dataclasses import replace
from typing import Any, cast

from postcards_composer.postcards import clock
from postcards_composer.postcards.create_request import DEFAULT_STRANGENESS, DEFAULT_TIMEOUT_SECONDS, CreateRequest
from postcards_composer.postcards.ids import fingerprint, new_request_id, new_seed, new_token, postcard_id
from postcards_composer.postcards.json_values import to_json
from postcards_composer.postcards.manifest import LeaseRecord, Manifest
from postcards_species.species import Species, derive_species

_LATER_SETTINGS = ("style", "exact")
"""Settings that came when postcards had been made already: where one is not used it does not count, so that a request
of before is still the same request."""


def content_fingerprint(request: CreateRequest) -> str:
    """Equal for two requests that ask for the same postcard.

    Neither the name of a request nor how long its caller would wait is part of what it asks for.
    """
    asked = replace(request, request_id=None, timeout=None, strangeness=_strangeness(request))
    content = cast("dict[str, Any]", to_json(asked))
    for part in ("image", "audio"):
        for name in _LATER_SETTINGS:
            if not content[part].get(name):
                content[part].pop(name, None)
    return fingerprint(content)


def accepted(request: CreateRequest, lease: LeaseRecord) -> Manifest:
    """The new postcard of a request. Derives the species: takes some milliseconds."""
    request_id = request.request_id or new_request_id()
    seed = new_seed() if request.seed is None else request.seed
    now = clock.now()
    return Manifest(
        id=postcard_id(request_id),
        generation=new_token(),
        fingerprint=content_fingerprint(request),
        request_id=request_id,
        seed=seed,
        theme=request.theme,
        strangeness=_strangeness(request),
        image=request.image,
        audio=request.audio,
        language=request.language,
        timeout=request.timeout or DEFAULT_TIMEOUT_SECONDS,
        species=_species(request, seed),
        created_at=now,
        updated_at=now,
        lease=lease,
    )


def _strangeness(request: CreateRequest) -> float:
    return DEFAULT_STRANGENESS if request.strangeness is None else request.strangeness


def _species(request: CreateRequest, seed: int) -> Species:
    species = derive_species(seed, _strangeness(request), request.theme)
    if request.image.finish is None:
        return species
    return replace(species, scene=replace(species.scene, finish=request.image.finish))
