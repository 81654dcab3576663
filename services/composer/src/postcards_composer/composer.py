"""The composer as a whole: its parts put together, and its life in the background."""

import asyncio
import logging
from collections.abc import Mapping

import grpc

from postcards_composer.api.operations import PostcardOperations
from postcards_composer.making.job import JobSettings
from postcards_composer.making.recovery import Recovery
from postcards_composer.making.running_jobs import RunningJobs
from postcards_composer.metrics import ComposerMetrics
from postcards_composer.parts.services import AudioService, ImageService, LanguageService, PartService
from postcards_composer.postcards.ids import new_token
from postcards_composer.postcards.manifest import PartKind
from postcards_composer.settings import ComposerSettings
from postcards_composer.store import ObjectStore, StoreError
from postcards_composer.store.manifests import Archive
from postcards_composer.store.threads import ThreadedStore
from postcards_serving.rpc.load_balancing import open_channel
from postcards_serving.telemetry.logging import fields
from postcards_species.species import derive_species

_STORE_SECONDS = 3.0
"""How long the start waits for the store."""

_log = logging.getLogger(__name__)


class Composer:
    """One replica of the composer. Needs a running event loop."""

    def __init__(self, settings: ComposerSettings, store: ObjectStore, metrics: ComposerMetrics) -> None:
        """Puts the parts together; nothing runs yet."""
        self._settings = settings
        self._store = ThreadedStore(store, metrics)
        archive = Archive(self._store)
        self._channels = {
            PartKind.IMAGE: _channel(settings.image_address),
            PartKind.LANGUAGE: _channel(settings.language_address),
            PartKind.AUDIO: _channel(settings.audio_address),
        }
        self._jobs = RunningJobs(
            archive,
            _services(self._channels),
            metrics,
            JobSettings(lease_seconds=settings.lease_seconds, patience=settings.part_patience_seconds),
            holder=new_token(),
            places=settings.max_in_flight,
        )
        self._recovery = Recovery(
            archive,
            self._jobs,
            metrics,
            lease_seconds=settings.lease_seconds,
            interval=settings.recovery_interval_seconds,
        )
        self._background: list[asyncio.Task[None]] = []
        self.operations = PostcardOperations(archive, self._jobs, metrics, settings.watch_interval_seconds)

    async def begin(self) -> None:
        """Prepares the store and begins to look for unfinished postcards, unless the settings say that it never looks.

        A store or a part service that is away is only logged: both may come back.
        """
        if self._looks:
            preparing = asyncio.create_task(self._prepare_store(), name="store")
            await asyncio.wait([preparing], timeout=_STORE_SECONDS)
            self._background = [preparing]
        # The first species takes ten times as long as the second: nobody shall wait for that.
        await asyncio.to_thread(derive_species, 0)
        if self._looks:
            self._background.append(asyncio.create_task(self._recovery.run(), name="recovery"))
        self._background += [
            asyncio.create_task(_look_at(kind, channel), name=f"{kind.value} channel")
            for kind, channel in self._channels.items()
        ]

    @property
    def _looks(self) -> bool:
        return self._settings.recovery_interval_seconds > 0

    async def _prepare_store(self) -> None:
        """Prepares the store, again and again while it is away."""
        while True:
            try:
                await self._store.prepare()
            except StoreError as problem:
                _log.warning("the store cannot be used yet: %s", problem)
                await asyncio.sleep(self._settings.recovery_interval_seconds)
            else:
                return

    async def drain(self) -> None:
        """Finishes what can be finished soon, and leaves the rest to another process."""
        for task in self._background:
            task.cancel()
        if self._background:
            await asyncio.wait(self._background)
        await self._jobs.close(self._settings.finish_seconds)

    async def close(self) -> None:
        """Lets go of the part services and the store."""
        for channel in self._channels.values():
            await channel.close()
        await asyncio.to_thread(self._store.close)


def _channel(address: str) -> grpc.aio.Channel:
    """A channel that never retries by itself: the composer does, and tells its watchers."""
    return open_channel(address)


def _services(channels: Mapping[PartKind, grpc.aio.Channel]) -> dict[PartKind, PartService]:
    return {
        PartKind.IMAGE: ImageService(channels[PartKind.IMAGE]),
        PartKind.LANGUAGE: LanguageService(channels[PartKind.LANGUAGE]),
        PartKind.AUDIO: AudioService(channels[PartKind.AUDIO]),
    }


async def _look_at(kind: PartKind, channel: grpc.aio.Channel) -> None:
    """Logs how a part service comes and goes."""
    there: bool | None = None
    state = channel.get_state(try_to_connect=True)
    while state is not grpc.ChannelConnectivity.SHUTDOWN:
        if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE and there is not False:
            there = False
            _log.warning("a part service cannot be reached", extra=fields(part=kind.value))
        elif state is grpc.ChannelConnectivity.READY and not there:
            there = True
            _log.info("a part service is there", extra=fields(part=kind.value))
        await channel.wait_for_state_change(state)
        state = channel.get_state(try_to_connect=True)
