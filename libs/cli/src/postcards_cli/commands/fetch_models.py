"""`postcards fetch-models`: downloads the weights of model engines once, so that serving needs no network."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from postcards_cli.shell.exits import CommandFailed, Exit
from postcards_cli.shell.options import Json, Quiet, one_of
from postcards_cli.shell.running import Outcome, run

if TYPE_CHECKING:
    from postcards_weights.cache import Cache
    from postcards_weights.catalog import Model
    from postcards_weights.choice import Choice
    from postcards_weights.fetch import Order
    from postcards_weights.hub_api import Hub

_PARTS = ("image", "audio")
_PRECISIONS = ("whole", "half", "both")
_EXITS = {"HUB_UNREACHABLE": Exit.UNREACHABLE, "DISK_FULL": Exit.BUSY, "BUSY": Exit.BUSY}

Parts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[image] [audio]",
        help="Whose weights. Default: of the engines that POSTCARDS_IMAGE_ENGINE and POSTCARDS_AUDIO_ENGINE name.",
        show_default=False,
    ),
]
Engine = Annotated[str, typer.Option("--engine", help="stable-diffusion, stable-audio or ddpm.", show_default=False)]
ModelId = Annotated[
    str,
    typer.Option(
        "--model", help="Id on the hub. Default: POSTCARDS_IMAGE_MODEL or ..AUDIO.., else ours.", show_default=False
    ),
]
Revision = Annotated[
    str, typer.Option("--revision", help="Its commit, branch or tag. Default: the one we tried.", show_default=False)
]
Home = Annotated[
    str,
    typer.Option(
        "--home",
        metavar="FOLDER",
        help="Fill the cache in this folder, e.g. of a volume; services find it with HF_HOME=FOLDER.",
        show_default=False,
    ),
]
PrecisionName = Annotated[
    str,
    typer.Option(
        "--precision",
        metavar="whole|half|both",
        help="half is for GPUs, half the size, where a model has it. Default: what this machine loads.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be fetched, and fetch nothing.")]


def fetch_models(
    parts: Parts = None,
    engine: Engine = "",
    model: ModelId = "",
    revision: Revision = "",
    precision: PrecisionName = "",
    home: Home = "",
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Download the weights of Stable Diffusion, Stable Audio and the like into the cache of the Hugging Face hub.

    Only what the engines load: safetensors, configurations, tokenizers; never pickles. What was broken off goes on
    where it was, and what is there is not asked for again. Afterwards serving needs no network.
    """
    wanted = tuple(dict.fromkeys(filter(None, (one_of(part, _PARTS, "PARTS") for part in parts or []))))

    stored = one_of(precision, _PRECISIONS, "--precision")

    async def command() -> Outcome:
        from postcards_weights.cache import hub_cache
        from postcards_weights.catalog import Precision
        from postcards_weights.choice import NoChoice, choices
        from postcards_weights.hub_api import FetchFailed

        cache = hub_cache(os.environ, Path(home).expanduser().absolute() if home else None)
        try:
            chosen = choices(
                wanted,
                os.environ,
                engine=engine,
                model_id=model,
                revision=revision,
                precision=Precision(stored) if stored else None,
            )
        except NoChoice as fault:
            raise CommandFailed(str(fault), Exit.USAGE, reason="NOTHING_CHOSEN") from None
        for choice in chosen:
            if choice.folder is not None and not choice.folder.exists():
                message = f"there is no folder {choice.folder}, and it is no id on the Hugging Face hub"
                raise CommandFailed(message, Exit.USAGE, reason="NO_SUCH_MODEL")
        try:
            models = await _fetch(chosen, cache, dry_run=dry_run, quiet=quiet)
        except FetchFailed as fault:
            raise CommandFailed(str(fault), _EXITS.get(fault.reason, Exit.FAILED), reason=fault.reason) from None
        except asyncio.CancelledError:
            raise asyncio.CancelledError("what came is kept; the same command goes on from there") from None
        view = {"models": models, "cache": str(cache.folder), "environment": _environment(chosen, cache, home)}
        return Outcome(view, lambda: _print(view, chosen, dry_run=dry_run))

    run(command, as_json=as_json)


async def _fetch(chosen: "tuple[Choice, ...]", cache: "Cache", *, dry_run: bool, quiet: bool) -> list[dict[str, Any]]:
    from postcards_weights.cache import is_offline
    from postcards_weights.hub_api import FetchFailed, open_hub
    from postcards_weights.state import state_in_cache
    from postcards_weights.token import hub_token

    here = [(model, state_in_cache(cache, model)) for model in _models(chosen, cache)]
    views = [_view(model, str(state.folder), state.bytes, 0) for model, state in here if state.complete]
    absent = [model for model, state in here if not state.complete]
    if not absent:
        return views
    if is_offline(os.environ):
        names = ", ".join(model.model_id for model in absent)
        raise FetchFailed(f"HF_HUB_OFFLINE is set, and {names} is not all here: unset it to fetch", "OFFLINE")
    token = hub_token(os.environ)
    if token.fault:
        raise FetchFailed(token.fault, "TOKEN_UNREADABLE")
    async with open_hub(os.environ.get("HF_ENDPOINT", ""), token.value) as hub:
        return views + await _from_hub(hub, cache, chosen, absent, dry_run=dry_run, quiet=quiet)


def _models(chosen: "tuple[Choice, ...]", cache: "Cache") -> "list[Model]":
    """The models that are meant, without companions that a model in the cache or in its folder brings along."""
    from postcards_weights.state import state_in_cache

    found: list[Model] = []
    for choice in chosen:
        folder = choice.folder
        if choice.model is not None:
            found.append(choice.model)
            folder = state_in_cache(cache, choice.model).folder
        found += [
            companion.model
            for companion in choice.companions
            if folder is None or not companion.unless or not (folder / companion.unless).is_file()
        ]
    return list(dict.fromkeys(found))


async def _from_hub(
    hub: "Hub", cache: "Cache", chosen: "tuple[Choice, ...]", models: "list[Model]", *, dry_run: bool, quiet: bool
) -> list[dict[str, Any]]:
    from postcards_cli.display.fetch_board import fetch_board_for_terminal
    from postcards_weights.fetch import check_room, fetch, prepare

    orders: dict[Model, Order] = {}
    for model in models:
        if not _brought_along(model, chosen, orders):
            orders[model] = await prepare(hub, cache, model)
    views: list[dict[str, Any]] = []
    if dry_run:
        for order in orders.values():
            folder = cache.home(order.model.model_id) / "snapshots" / order.listing.commit
            views.append(_view(order.model, str(folder), order.bytes, order.absent_bytes))
        return views
    check_room(cache, list(orders.values()))
    with fetch_board_for_terminal(quiet=quiet) as board:
        for order in orders.values():
            board.order(order)
            folder = await fetch(hub, cache, order, board)
            views.append(_view(order.model, str(folder), order.bytes, order.absent_bytes))
    return views


def _brought_along(model: "Model", chosen: "tuple[Choice, ...]", orders: "dict[Model, Order]") -> bool:
    """Whether a model is a companion that the models which are fetched bring along."""
    return any(
        companion.unless in {file.path for file in orders[choice.model].files}
        for choice in chosen
        for companion in choice.companions
        if companion.model == model and choice.model in orders
    )


def _view(model: "Model", folder: str, size: int, fetched: int) -> dict[str, Any]:
    commit = Path(folder).name
    return {"model": model.model_id, "revision": commit, "folder": folder, "bytes": size, "fetched_bytes": fetched}


def _environment(chosen: "tuple[Choice, ...]", cache: "Cache", home: str) -> dict[str, str]:
    """The variables with which services serve what was fetched, without the network."""
    from postcards_weights.catalog import DEFAULTS

    found = {"HF_HUB_OFFLINE": "1"}
    if home:
        found["HF_HOME"] = str(cache.folder.parent)
    for choice in chosen:
        prefix = f"POSTCARDS_{choice.part.upper()}"
        found[f"{prefix}_ENGINE"] = choice.engine
        if choice.model is None:
            continue
        default = DEFAULTS.get(choice.engine)
        ours = default is not None and choice.model.model_id == default.model_id
        if not ours:
            found[f"{prefix}_MODEL"] = choice.model.model_id
        if choice.model.revision != (default.revision if default is not None and ours else "main"):
            found[f"{prefix}_REVISION"] = choice.model.revision
    return found


def _print(view: dict[str, Any], chosen: "tuple[Choice, ...]", *, dry_run: bool) -> None:
    from postcards_cli.display.fetch_board import gigabytes

    for choice in chosen:
        if choice.folder is not None:
            print(f"{choice.engine} loads {choice.folder}: a folder, nothing to fetch")
        elif choice.model is None:
            print(f"{choice.engine} comes with its model: nothing to fetch")
    for model in view["models"]:
        print(f"{model['model']}  {gigabytes(model['bytes'])}  {model['folder']}")
    if dry_run:
        print(f"to fetch: {gigabytes(sum(model['fetched_bytes'] for model in view['models']))}")
        return
    settings = " ".join(f"{name}={value}" for name, value in view["environment"].items())
    print(f"serve it without the network: {settings} postcards up")
