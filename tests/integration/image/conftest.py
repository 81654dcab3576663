"""An image service around an engine that does as the request's prompt says."""

import threading
from dataclasses import dataclass, field

import pytest
from postcards.image.v1 import image_pb2, image_pb2_grpc

from postcards_image.engine import ImageRequest, ImageResult
from postcards_image.servicer import ImageServicer
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.served import alone
from postcards_serving.engine.work import Blob, Preview, Progress, Provenance, Work, json_settings
from postcards_serving.errors import EngineFailed, InvalidField
from postcards_serving.testing import running_server

SERVICE = image_pb2.DESCRIPTOR.services_by_name["ImageService"]
STAGES = ("skeleton", "skin")


@dataclass
class ObedientEngine:
    """Draws nothing; the prompt says what happens instead."""

    name: str = "obedient"
    version: str = "1"
    stages: tuple[str, ...] = STAGES
    requests: list[ImageRequest] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    stopped: list[str] = field(default_factory=list)

    def generate(self, request: ImageRequest, work: Work) -> ImageResult:
        self.requests.append(request)
        for step, stage in enumerate(STAGES):
            work.report(Progress(stage, step, len(STAGES), step / len(STAGES)))
            if request.previews:
                work.report(Preview(stage, "image/webp", stage.encode()))
            if request.prompt == "wait":
                self._wait(work)
        match request.prompt:
            case "refuse":
                raise InvalidField("sampler", "must be empty: this engine has none")
            case "fail":
                raise EngineFailed("the ink has run out")
            case "crash":
                raise OSError("/secret/path")
        blobs = (Blob("image.png", "image/png", b"png" * 200_000), Blob("raw.png", "image/png", b"raw"))
        settings = json_settings(seed=request.seed, width=request.width)
        provenance = Provenance(self.name, self.version, device="cpu", settings=settings)
        return ImageResult(blobs, request.width or 1024, request.height or 1024, "An animal.", provenance)

    def _wait(self, work: Work) -> None:
        try:
            while not self.release.wait(0.005):
                work.check()
        except Exception as stop:
            self.stopped.append(type(stop).__name__)
            raise

    def close(self) -> None:
        self.release.set()


class Probe:
    """The service, its engine and a stub."""

    def __init__(self, engine: ObedientEngine, admission: Admission) -> None:
        self.engine = engine
        self.admission = admission
        self.stub: image_pb2_grpc.ImageServiceStub

    async def ask(self, **fields) -> list[image_pb2.GenerateImageResponse]:
        call = self.stub.GenerateImage(image_pb2.GenerateImageRequest(**fields))
        return [response async for response in call]


@pytest.fixture
async def probe():
    engine = ObedientEngine()
    admission = Admission(1)
    servicer = ImageServicer(alone(engine), Executor(1, admission, engine=engine.name, stages=engine.stages))
    made = Probe(engine, admission)
    async with running_server(
        lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(servicer, server), services=[SERVICE]
    ) as channel:
        made.stub = image_pb2_grpc.ImageServiceStub(channel)
        yield made
        engine.close()
