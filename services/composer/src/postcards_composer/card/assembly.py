"""From the parts in the store to the card."""

from concurrent.futures import ThreadPoolExecutor

from postcards_composer.card import (
    CardContent,
    Making,
    Problem,
    prepare,
    render_card_html,
    render_card_png,
)
from postcards_composer.postcards.manifest import Manifest, Part, PartKind, WordTiming
from postcards_serving.engine.work import Blob

_NAMES = {PartKind.IMAGE: "picture", PartKind.LANGUAGE: "phrase", PartKind.AUDIO: "call"}


def card_content(manifest: Manifest, files: dict[str, bytes]) -> CardContent:
    """What the card of a postcard shows; `files` are the bytes of its files by name."""
    species = manifest.species
    return CardContent(
        id=manifest.id,
        name=species.name,
        binomial=species.binomial,
        field_note=species.field_note,
        parents=species.parents,
        temperament=species.temperament,
        scene=species.scene,
        theme=manifest.theme,
        seed=manifest.seed,
        strangeness=manifest.strangeness,
        created=manifest.created_at,
        phonology=species.phonology,
        phrase=manifest.phrase,
        image_png=files.get("image.png"),
        alt_text=manifest.alt_text,
        call_mp3=files.get("call.mp3"),
        call_seconds=manifest.call_seconds,
        timings=_timings(manifest),
        makings=tuple(_making(manifest, part) for part in manifest.parts if part.provenance is not None),
        problems=tuple(
            Problem(_NAMES[part.kind], part.error.message) for part in manifest.parts if part.error is not None
        ),
    )


def render_card(content: CardContent) -> tuple[Blob, ...]:
    """The files of a card, rendered side by side. Takes a while: not for the event loop."""
    with ThreadPoolExecutor(1) as beside:
        materials = prepare(content)
        page = beside.submit(render_card_html, content, materials)
        sheet = render_card_png(content, materials)
        return (Blob("card.html", "text/html; charset=utf-8", page.result()), Blob("card.png", "image/png", sheet))


def _timings(manifest: Manifest) -> tuple[WordTiming, ...]:
    """When the words of the phrase sound; none where the call says something else."""
    if manifest.phrase is None or not manifest.says_phrase:
        return ()
    count = len(manifest.phrase.words)
    return tuple(timing for timing in manifest.timings if timing.word_index < count)


def _making(manifest: Manifest, part: Part) -> Making:
    provenance = part.provenance
    if provenance is None:
        raise ValueError(f"nothing is known of how the {part.kind.value} was made")
    verdict = manifest.verdict_on(part.kind)
    return Making(
        part=_NAMES[part.kind],
        engine=provenance.engine,
        engine_version=provenance.engine_version,
        model=provenance.model,
        revision=provenance.model_revision,
        device=provenance.device,
        seconds=part.duration,
        settings=provenance.settings,
        notes=provenance.notes,
        safety="" if verdict is None else verdict.value,
        usage=provenance.usage,
        libraries=provenance.libraries,
        model_files=provenance.model_files,
    )
