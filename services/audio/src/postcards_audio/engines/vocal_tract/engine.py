"""The engine: from a request to a finished call, stage by stage."""

from importlib.metadata import version

from postcards_audio.engine import AudioRequest, AudioResult
from postcards_audio.engines.vocal_tract import rendering
from postcards_audio.engines.vocal_tract.encoding import flac, mp3
from postcards_audio.engines.vocal_tract.mastering import finish
from postcards_audio.engines.vocal_tract.rendering import Score, random_of, read_score, render
from postcards_audio.engines.vocal_tract.signals import RATE
from postcards_serving.work import Progress, Provenance, Work, json_settings

DEFAULT_SECONDS = 10.0
_STAGES = (*rendering.STAGES, "master", "encode")


class VocalTractEngine:
    """Pronounces the phrase with the anatomy of the species. Computes; needs no model."""

    name = "vocal-tract"
    version = "2"
    stages = _STAGES

    def generate(self, request: AudioRequest, work: Work) -> AudioResult:
        """Makes the call. Equal requests give equal samples.

        Raises:
            InvalidField: the phrase has a phoneme that is not in the inventory.
            Cancelled, DeadlineExceeded: `work` says so; looked up between stages and between sayings.
        """

        def begin(stage: str, share: float = 0.0) -> None:
            work.check()
            step = _STAGES.index(stage)
            work.report(Progress(stage, step, len(_STAGES), (step + share) / len(_STAGES)))

        score = read_score(request, DEFAULT_SECONDS)
        rendered = render(score, begin)
        begin("master")
        master = finish(rendered.recording)
        begin("encode")
        lossless = flac(master.samples, random_of(score, "dither"))
        work.check()
        compressed = mp3(master.samples)
        work.report(Progress("encode", len(_STAGES), len(_STAGES), 1.0))
        return AudioResult(
            blobs=(lossless, compressed),
            seconds=master.samples.shape[1] / RATE,
            sample_rate_hz=RATE,
            channels=2,
            loudness_lufs=round(master.loudness_lufs, 2),
            timings=rendered.timings,
            provenance=self._provenance(score),
        )

    def close(self) -> None:
        """Nothing is held."""

    def _provenance(self, score: Score) -> Provenance:
        return Provenance(
            engine=self.name,
            engine_version=self.version,
            device="cpu",
            settings=json_settings(**score.settings()),
            libraries={name: version(name) for name in ("numpy", "soundfile")},
        )
