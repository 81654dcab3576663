"""From a `GenerateAudioRequest` to what an engine is asked."""

from postcards.audio.v1 import audio_pb2

from postcards_audio.engine import AudioRequest, reject_unknown_phonemes
from postcards_serving.rpc.messages import decode


def read_request(message: audio_pb2.GenerateAudioRequest) -> AudioRequest:
    """The checked request.

    Raises:
        InvalidField: a field breaks its limits, or the phrase has a sound that nobody knows.
    """
    wanted = decode(message, AudioRequest)
    if wanted.phrase is not None:
        reject_unknown_phonemes(wanted.phrase)
    return wanted
