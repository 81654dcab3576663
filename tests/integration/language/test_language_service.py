"""The language service over a real server and a real channel."""

import hashlib

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from postcards.language.v1 import language_pb2, language_pb2_grpc
from postcards.species.v1 import phonology_pb2, phrase_pb2

from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_language.servicer import LanguageServicer
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.served import alone
from postcards_serving.rpc.messages import decode, encode
from postcards_serving.testing import running_server
from postcards_species.ancestry.parents import choose_parents
from postcards_species.species import derive_species
from postcards_species.speech.derive import derive_phonology
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.phrase import Phrase

SERVICE = language_pb2.DESCRIPTOR.services_by_name["LanguageService"]


def tongue(seed: int) -> phonology_pb2.Phonology:
    return encode(derive_phonology(seed, choose_parents(seed)), phonology_pb2.Phonology)


@pytest.fixture
async def stub():
    engine = PhonotacticEngine()
    servicer = LanguageServicer(alone(engine), Executor(1, engine=engine.name, stages=engine.stages))
    async with running_server(
        lambda server: language_pb2_grpc.add_LanguageServiceServicer_to_server(servicer, server), services=[SERVICE]
    ) as channel:
        yield language_pb2_grpc.LanguageServiceStub(channel)


async def ask(stub: language_pb2_grpc.LanguageServiceStub, **fields) -> list[language_pb2.GeneratePhrasesResponse]:
    return [response async for response in stub.GeneratePhrases(language_pb2.GeneratePhrasesRequest(**fields))]


def phrases_of(responses: list[language_pb2.GeneratePhrasesResponse]) -> list[phrase_pb2.Phrase]:
    return [response.phrase for response in responses if response.HasField("phrase")]


async def violation(stub: language_pb2_grpc.LanguageServiceStub, **fields) -> tuple[str, str]:
    """Field and description of the violation that a request is refused for."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(stub, **fields)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailers = dict(caught.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    for detail in status.details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            return bad.field_violations[0].field, bad.field_violations[0].description
    raise AssertionError("no field was named")


async def test_an_empty_request_lets_species_zero_speak(stub) -> None:
    responses = await ask(stub)
    (phrase,) = phrases_of(responses)
    assert phrase.animal_text
    assert phrase.english_gloss
    assert phrase.intent
    assert phrase.mood
    assert phrase == phrases_of(await ask(stub, seed=0, count=1, phonology=tongue(0)))[0]


async def test_progress_phrases_and_a_result_that_vouches_for_them(stub) -> None:
    responses = await ask(stub, seed=7, count=5)
    kinds = [response.WhichOneof("event") for response in responses]
    assert kinds[0] == "progress"
    assert kinds[-1] == "result"
    assert kinds.count("result") == 1
    assert kinds.count("phrase") == 5
    assert responses[kinds.index("phrase") + 1].progress.text == phrases_of(responses)[0].animal_text
    result = responses[-1].result
    sent = b"".join(phrase.SerializeToString(deterministic=True) for phrase in phrases_of(responses))
    assert (result.count, result.sha256) == (5, hashlib.sha256(sent).hexdigest())
    assert result.provenance.engine == "phonotactic"


async def test_the_phrases_on_the_wire_are_those_of_the_engine(stub) -> None:
    sent = phrases_of(await ask(stub, seed=11, count=3, theme="night rain"))
    assert [encode(decode(phrase, Phrase), phrase_pb2.Phrase) for phrase in sent] == sent
    assert sent == phrases_of(await ask(stub, seed=11, count=3, theme="night rain"))
    assert sent != phrases_of(await ask(stub, seed=12, count=3, theme="night rain"))


async def test_a_phonology_survives_the_wire() -> None:
    for seed in range(300):
        phonology = derive_phonology(seed, choose_parents(seed))
        assert decode(encode(phonology, phonology_pb2.Phonology), Phonology) == phonology


async def test_a_species_keeps_its_words_across_calls(stub) -> None:
    species = derive_species(21)
    forms: dict[str, set[str]] = {}
    for seed in range(6):
        for phrase in phrases_of(await ask(stub, seed=seed, count=12, phonology=tongue(species.seed))):
            for word in phrase.words:
                forms.setdefault(word.gloss, set()).add(word.text)
    assert all(len(texts) == 1 for texts in forms.values())


async def test_intent_and_mood_are_obeyed(stub) -> None:
    wanted = {"intent": phrase_pb2.INTENT_LULLABY, "mood": phrase_pb2.MOOD_SORROWFUL}
    for phrase in phrases_of(await ask(stub, seed=3, count=4, **wanted)):
        assert phrase.intent == phrase_pb2.INTENT_LULLABY
        assert phrase.mood == phrase_pb2.MOOD_SORROWFUL


@pytest.mark.parametrize(
    ("fields", "field", "limit"),
    [
        ({"request_id": "a b"}, "request_id", ""),
        ({"request_id": "x" * 129}, "request_id", "128"),
        ({"engine": "openai"}, "engine", "phonotactic"),
        ({"species_name": "h" * 65}, "species_name", "64"),
        ({"count": 65}, "count", "64"),
        ({"count": 2**32 - 1}, "count", "64"),
        ({"intent": 99}, "intent", ""),
        ({"mood": 99}, "mood", ""),
        ({"theme": "s" * 201}, "theme", "200"),
        ({"prompt": "p" * 4001}, "prompt", "4000"),
        ({"temperature": 2.5}, "temperature", "2"),
        ({"temperature": float("nan")}, "temperature", ""),
        ({"top_p": 0.0}, "top_p", "0"),
        ({"top_p": 1.5}, "top_p", "1"),
        ({"phonology": phonology_pb2.Phonology()}, "phonology.onsets", "1"),
        ({"phonology": phonology_pb2.Phonology(onsets=["k"])}, "phonology.nuclei", "1"),
        ({"phonology": phonology_pb2.Phonology(onsets=["k"] * 25, nuclei=["a"])}, "phonology.onsets", "24"),
        ({"phonology": phonology_pb2.Phonology(onsets=["k" * 9], nuclei=["a"])}, "phonology.onsets[0]", "8"),
        ({"phonology": phonology_pb2.Phonology(onsets=["moo"], nuclei=["a"])}, "phonology.onsets", "moo"),
        ({"phonology": phonology_pb2.Phonology(onsets=["k"], nuclei=["a"])}, "phonology", "different syllables"),
        (
            {"phonology": phonology_pb2.Phonology(onsets=["k"], nuclei=["a"], shapes=["CCCV"])},
            "phonology.shapes[0]",
            "",
        ),
        ({"phonology": phonology_pb2.Phonology(onsets=["k"], nuclei=["a"], tones=4)}, "phonology.tones", "3"),
        ({"phonology": phonology_pb2.Phonology(onsets=["k"], nuclei=["a"], joint="--")}, "phonology.joint", "1"),
        ({"phonology": phonology_pb2.Phonology(onsets=["k"], nuclei=["a"], pause="<b>")}, "phonology.pause", ""),
        (
            {"phonology": phonology_pb2.Phonology(onsets=["k"], nuclei=["a"], clusters=["kr"])},
            "phonology.clusters[0]",
            "",
        ),
        (
            {"phonology": phonology_pb2.Phonology(onsets=["k"], nuclei=["a"], grammar={"evidential_share": 1.5})},
            "phonology.grammar.evidential_share",
            "1",
        ),
        (
            {
                "phonology": phonology_pb2.Phonology(
                    onsets=["k"], nuclei=["a"], spellings=[{"symbol": "k", "onset": "<"}]
                )
            },
            "phonology.spellings[0].onset",
            "",
        ),
    ],
)
async def test_bad_input_is_named_with_its_limit(stub, fields, field: str, limit: str) -> None:
    named, description = await violation(stub, **fields)
    assert named == field
    assert limit in description


async def test_a_dropped_call_leaves_the_service_well(stub) -> None:
    call = stub.GeneratePhrases(language_pb2.GeneratePhrasesRequest(seed=5, count=64))
    await call.read()
    call.cancel()
    assert len(phrases_of(await ask(stub, seed=6, count=2))) == 2
