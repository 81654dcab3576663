"""From a `GenerateImageRequest` to what an engine is asked."""

from dataclasses import dataclass, field

from postcards.image.v1 import image_pb2
from postcards.species.v1 import body_pb2, species_pb2, world_pb2

from postcards_image.engine import ImageRequest
from postcards_serving.rpc.messages import decode, encode
from postcards_species.species import DEFAULT_STRANGENESS, caption_of, derive_species


@dataclass(frozen=True)
class _Origin:
    """Where a species comes from that the request leaves out."""

    seed: int = field(default=0, metadata={"ge": 0, "le": 2**64 - 1})
    strangeness: float = field(default=DEFAULT_STRANGENESS, metadata={"ge": 0, "le": 1})


def read_request(message: image_pb2.GenerateImageRequest) -> ImageRequest:
    """The checked request; absent body plan, scene, parents and temperament are those of the species of `seed`.

    Raises:
        InvalidField: a field breaks its limits.
    """
    return decode(_with_species(message), ImageRequest)


def _with_species(message: image_pb2.GenerateImageRequest) -> image_pb2.GenerateImageRequest:
    if message.HasField("body_plan") and message.HasField("scene") and message.parents and message.temperament:
        return message
    origin = decode(message, _Origin)
    species = derive_species(origin.seed, origin.strangeness)
    whole = image_pb2.GenerateImageRequest()
    whole.CopyFrom(message)
    if not message.HasField("body_plan"):
        whole.body_plan.CopyFrom(encode(species.body_plan, body_pb2.BodyPlan))
        whole.caption.extend(() if message.caption else caption_of(species))
    if not message.HasField("scene"):
        whole.scene.CopyFrom(encode(species.scene, world_pb2.Scene))
    if not message.parents:
        whole.parents.extend(encode(parent, species_pb2.Parent) for parent in species.parents)
    if not message.temperament:
        whole.temperament.extend(species.temperament)
    return whole
