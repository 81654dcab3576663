"""Starts an audio server: `python -m postcards_audio`."""

import sys

from postcards.audio.v1 import audio_pb2

from postcards_audio.service import load
from postcards_audio.settings import AudioSettings
from postcards_serving.server.process import serve

if __name__ == "__main__":
    sys.exit(serve("audio", AudioSettings, [audio_pb2.DESCRIPTOR.services_by_name["AudioService"]], load))
