"""From a `GeneratePhrasesRequest` to what an engine is asked."""

from dataclasses import dataclass, field

from postcards.language.v1 import language_pb2
from postcards.species.v1 import phonology_pb2

from postcards_language.engine import PhrasesRequest
from postcards_language.realisation.phonology_check import check_phonology
from postcards_serving.rpc.messages import decode, encode
from postcards_species.ancestry.parents import choose_parents
from postcards_species.speech.derive import derive_phonology
from postcards_species.speech.naming import coin_name
from postcards_species.speech.phonology import Phonology


@dataclass(frozen=True)
class _Origin:
    """Where a tongue comes from that the request leaves out."""

    seed: int = field(default=0, metadata={"ge": 0, "le": 2**64 - 1})


def read_request(message: language_pb2.GeneratePhrasesRequest) -> PhrasesRequest:
    """The checked request; an absent phonology is that of the species of `seed`, an absent name is coined from it.

    Raises:
        InvalidField: a field breaks its limits.
    """
    whole = language_pb2.GeneratePhrasesRequest()
    whole.CopyFrom(message)
    if not message.HasField("phonology"):
        seed = decode(message, _Origin).seed
        whole.phonology.CopyFrom(encode(derive_phonology(seed, choose_parents(seed)), phonology_pb2.Phonology))
    if not message.species_name:
        phonology = decode(whole.phonology, Phonology, path="phonology")
        check_phonology(phonology)
        whole.species_name = coin_name(phonology)
    return decode(whole, PhrasesRequest)
