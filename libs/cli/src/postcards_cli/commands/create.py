"""`postcards create`: makes one postcard."""

import asyncio
import uuid
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from postcards_cli.display.board import Board
from postcards_cli.display.boards import board_for_terminal
from postcards_cli.shell.exits import STATE_EXITS, Exit
from postcards_cli.shell.options import (
    FINISHES,
    INTENTS,
    MOODS,
    Address,
    Json,
    Out,
    Place,
    PortBase,
    Quiet,
    Start,
    one_of,
    parse_seed,
    place,
)
from postcards_cli.shell.running import Outcome, run
from postcards_cli.shell.session import session

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import Postcard

    from postcards_client.client import PostcardsClient, PostcardSettings

_PICTURE = "Picture"
_CALL = "Call"
_PHRASE = "Phrase"


def create(
    seed: Annotated[str, typer.Option(metavar="N", help="Seed of the species. Default: random.")] = "",
    theme: Annotated[
        str, typer.Option(help="Words that choose hour, weather, finish and meanings, e.g. 'stormy night, risograph'.")
    ] = "",
    strangeness: Annotated[
        float | None, typer.Option(help="How far it leaves its parents, 0 to 1. Default: 0.5.", show_default=False)
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="How long it may take, 1 to 3600. Default: 600.", show_default=False),
    ] = None,
    request_id: Annotated[
        str, typer.Option(help="Makes the command repeatable: the same id answers with the same postcard.")
    ] = "",
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Let models make picture and call alone: bit by bit equal when made again here."),
    ] = False,
    finish: Annotated[
        str, typer.Option(help=f"How the picture is finished: {', '.join(FINISHES)}.", rich_help_panel=_PICTURE)
    ] = "",
    width: Annotated[
        int | None, typer.Option(min=0, help="Width in pixels.", rich_help_panel=_PICTURE, show_default=False)
    ] = None,
    height: Annotated[
        int | None, typer.Option(min=0, help="Height in pixels.", rich_help_panel=_PICTURE, show_default=False)
    ] = None,
    image_prompt: Annotated[str, typer.Option(help="Prompt for a text-to-image model.", rich_help_panel=_PICTURE)] = "",
    image_negative_prompt: Annotated[str, typer.Option(help="What to avoid.", rich_help_panel=_PICTURE)] = "",
    image_engine: Annotated[str, typer.Option(help="Engine that must make it.", rich_help_panel=_PICTURE)] = "",
    image_style: Annotated[
        str, typer.Option(help="A model's set of defaults, e.g. 'distorted'.", rich_help_panel=_PICTURE)
    ] = "",
    image_steps: Annotated[
        int | None, typer.Option(min=0, help="Inference steps.", rich_help_panel=_PICTURE, show_default=False)
    ] = None,
    image_guidance: Annotated[
        float | None, typer.Option(help="Guidance scale, 0 to 50.", rich_help_panel=_PICTURE, show_default=False)
    ] = None,
    image_init_strength: Annotated[
        float | None,
        typer.Option(help="How far to leave the drawing, 0 to 1.", rich_help_panel=_PICTURE, show_default=False),
    ] = None,
    sampler: Annotated[str, typer.Option(help="Name of the sampler.", rich_help_panel=_PICTURE)] = "",
    seconds: Annotated[
        float | None,
        typer.Option(help="Length of the call, 0.5 to 60 seconds.", rich_help_panel=_CALL, show_default=False),
    ] = None,
    audio_prompt: Annotated[str, typer.Option(help="Prompt for a text-to-audio model.", rich_help_panel=_CALL)] = "",
    audio_negative_prompt: Annotated[str, typer.Option(help="What to avoid.", rich_help_panel=_CALL)] = "",
    audio_engine: Annotated[str, typer.Option(help="Engine that must make it.", rich_help_panel=_CALL)] = "",
    audio_steps: Annotated[
        int | None, typer.Option(min=0, help="Inference steps.", rich_help_panel=_CALL, show_default=False)
    ] = None,
    audio_guidance: Annotated[
        float | None, typer.Option(help="Guidance scale, 0 to 50.", rich_help_panel=_CALL, show_default=False)
    ] = None,
    audio_init_strength: Annotated[
        float | None,
        typer.Option(help="How far to leave the rendering, 0 to 1.", rich_help_panel=_CALL, show_default=False),
    ] = None,
    intent: Annotated[
        str, typer.Option(help=f"What the phrase does: {', '.join(INTENTS)}.", rich_help_panel=_PHRASE)
    ] = "",
    mood: Annotated[str, typer.Option(help=f"How it feels: {', '.join(MOODS)}.", rich_help_panel=_PHRASE)] = "",
    language_prompt: Annotated[str, typer.Option(help="Prompt for a language model.", rich_help_panel=_PHRASE)] = "",
    language_engine: Annotated[str, typer.Option(help="Engine that must make it.", rich_help_panel=_PHRASE)] = "",
    temperature: Annotated[
        float | None, typer.Option(help="Sampling temperature, 0 to 2.", rich_help_panel=_PHRASE, show_default=False)
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(help="Nucleus sampling share, above 0 to 1.", rich_help_panel=_PHRASE, show_default=False),
    ] = None,
    start: Start = False,
    out: Out = "",
    address: Address = "",
    port_base: PortBase = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make one postcard: a picture, a call and a phrase of an animal that nobody has met.

    Progress goes to standard error; the last line on standard output is the path of card.html.
    """
    fields: dict[str, Any] = {
        "seed": parse_seed(seed),
        "theme": theme,
        "strangeness": strangeness,
        "timeout": timeout,
        "request_id": request_id or uuid.uuid4().hex,
    }
    image: dict[str, Any] = {
        "engine": image_engine,
        "prompt": image_prompt,
        "negative_prompt": image_negative_prompt,
        "width": width,
        "height": height,
        "steps": image_steps,
        "guidance_scale": image_guidance,
        "init_strength": image_init_strength,
        "sampler": sampler,
        "style": image_style,
        "exact": exact,
        "finish": one_of(finish, FINISHES, "--finish"),
    }
    audio: dict[str, Any] = {
        "engine": audio_engine,
        "prompt": audio_prompt,
        "negative_prompt": audio_negative_prompt,
        "seconds": seconds,
        "steps": audio_steps,
        "guidance_scale": audio_guidance,
        "init_strength": audio_init_strength,
        "exact": exact,
    }
    language: dict[str, Any] = {
        "engine": language_engine,
        "prompt": language_prompt,
        "intent": one_of(intent, INTENTS, "--intent"),
        "mood": one_of(mood, MOODS, "--mood"),
        "temperature": temperature,
        "top_p": top_p,
    }
    where = place(address, start, port_base, out)

    async def command() -> Outcome:
        with board_for_terminal(quiet=quiet) as board:
            async with session(where, board) as client:
                settings = postcard_settings(fields, image, audio, language)
                accepted = await client.create(**settings)
                try:
                    postcard = await follow(client, accepted, board)
                except asyncio.CancelledError:
                    raise asyncio.CancelledError(_how_to_go_on(accepted.id, fields["request_id"], where)) from None
                return await finished(postcard, where)

    run(command, as_json=as_json)


def _how_to_go_on(postcard_id: str, request_id: str, where: Place) -> str:
    """What someone who has interrupted the making can do next."""
    if where.start:
        return f"the same command with --request-id {request_id} takes the postcard up again"
    return f"the postcard is being made all the same: postcards watch {postcard_id}"


def postcard_settings(
    fields: dict[str, Any], image: dict[str, Any], audio: dict[str, Any], language: dict[str, Any]
) -> "PostcardSettings":
    """The settings that the option values make; names of finishes, intents and moods become enum values."""
    from postcards.composer.v1 import composer_pb2
    from postcards.species.v1 import phrase_pb2, world_pb2

    enums = {
        "finish": ("FINISH_", world_pb2.Finish),
        "intent": ("INTENT_", phrase_pb2.Intent),
        "mood": ("MOOD_", phrase_pb2.Mood),
    }

    def given(values: dict[str, Any]) -> dict[str, Any]:
        chosen = {name: value for name, value in values.items() if value not in (None, "")}
        for name, (prefix, enum) in enums.items():
            if name in chosen:
                chosen[name] = enum.Value(prefix + str(chosen[name]).upper().replace("-", "_"))
        return chosen

    return {
        "seed": fields["seed"],
        "theme": fields["theme"],
        "strangeness": fields["strangeness"],
        "timeout": fields["timeout"],
        "request_id": fields["request_id"],
        "image": composer_pb2.ImageSettings(**given(image)),
        "audio": composer_pb2.AudioSettings(**given(audio)),
        "language": composer_pb2.LanguageSettings(**given(language)),
    }


async def follow(client: "PostcardsClient", postcard: "Postcard", board: Board) -> "Postcard":
    """Shows the making of `postcard` on `board` and returns it when it is finished."""
    from postcards_client.events import Changed

    board.accepted(postcard)
    async with aclosing(client.watch(postcard.id)) as events:
        async for event in events:
            board.event(event)
            if isinstance(event, Changed):
                postcard = event.postcard
    return postcard


async def finished(postcard: "Postcard", where: Place) -> Outcome:
    """The outcome of a command that waited for `postcard`; downloads its files where a folder was named for them."""
    from postcards_cli.json_views import postcard_view, state_name
    from postcards_client.downloads import download
    from postcards_client.locations import local_path

    view = postcard_view(postcard)
    card = ""
    in_object_store = local_path(postcard.location) is None and "://" in postcard.location
    if where.out is not None and (in_object_store or not where.start):
        paths = await download(postcard, where.out)
        view["downloads"] = {name: str(path) for name, path in paths.items()}
        card = str(paths.get("card.html", where.out / postcard.id))

    def show() -> None:
        from postcards_cli.display.summary import card_location, print_summary

        print_summary(postcard)
        print(card or card_location(postcard))

    return Outcome(view, show, STATE_EXITS.get(state_name(postcard.state), Exit.FAILED))
