"""The engine: from a request to a finished call, stage by stage."""

from importlib.metadata import version

from postcards_audio.engine import AudioRequest, AudioResult
from postcards_audio.engines.vocal_tract import rendering
from postcards_audio.engines.vocal_tract.mastering import finished_call as finishing
from postcards_audio.engines.vocal_tract.mastering.finished_call import finished_call
from postcards_audio.engines.vocal_tract.rendering import Score, random_of, read_score, render
from postcards_serving.engine.work import Progress, Provenance, Work, json_settings

DEFAULT_SECONDS = 10.0
_STAGES = (*rendering.STAGES, *finishing.STAGES)


class VocalTractEngine:
    """Pronounces the phrase with the anatomy of the species. Computes; needs no model."""

    name = "vocal-tract"
    version = "2"
    stages = _STAGES
    requests_at_once = None

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
        call = finished_call(
            rendered.recording,
            rendered.timings,
            self._provenance(score),
            dither=random_of(score, "dither"),
            begin=begin,
            check=work.check,
        )
        work.report(Progress("encode", len(_STAGES), len(_STAGES), 1.0))
        return call

    def close(self) -> None:
        """Frees nothing: the engine holds no resources between calls."""

    def _provenance(self, score: Score) -> Provenance:
        return Provenance(
            engine=self.name,
            engine_version=self.version,
            device="cpu",
            settings=json_settings(**score.settings()),
            libraries={name: version(name) for name in ("numpy", "soundfile")},
        )
