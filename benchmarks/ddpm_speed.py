"""Times the ddpm engine: one picture part by part, rows that share steps, ONNX beside torch.

`python benchmarks/ddpm_speed.py` times the shipped model; `--model` another file or folder, with `--runtime both` a
folder in both runtimes. Without a model it says so and ends.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Sequence

from postcards_image.engine import ImageRequest
from postcards_image.engines.ddpm import DdpmEngine, load_network
from postcards_image.engines.ddpm.denoiser import Denoiser, Network
from postcards_image.engines.ddpm.engine import DEFAULT_GUIDANCE, DEFAULT_STEPS, STAGES
from postcards_image.engines.ddpm.faults import ModelUnusable
from postcards_image.engines.ddpm.mixing import ask, choose_shares
from postcards_image.engines.ddpm.sampling import Row, RowStepper, Sampler, begin_row, noise_levels, starting_noise
from postcards_serving.engine.work import Event, Progress, Work
from postcards_species.species import caption_of, derive_species


def time_picture(engine: DdpmEngine, seed: int, init_strength: float | None) -> list[float]:
    """Wall seconds of each stage of one picture of 1024 x 1024 pixels."""
    species = derive_species(seed)
    marks: dict[str, float] = {}

    def listen(event: Event) -> None:
        if isinstance(event, Progress):
            marks.setdefault(event.stage, time.perf_counter())

    request = ImageRequest(
        species.body_plan,
        species.scene,
        seed=seed,
        parents=species.parents,
        caption=caption_of(species),
        init_strength=init_strength,
        guidance_scale=DEFAULT_GUIDANCE,
    )
    engine.generate(request, Work(listen))
    times = [*(marks[stage] for stage in STAGES), time.perf_counter()]
    return [after - before for before, after in itertools.pairwise(times)]


def rows_of(network: Network, count: int, guidance: float) -> Sequence[Row]:
    """Rows of different species before their first step."""
    denoiser, rows = Denoiser(network), []
    for seed in range(count):
        shares = choose_shares(network.description, derive_species(seed).parents, seed, 0.5)
        sigmas = noise_levels(denoiser.schedule, Sampler.DPMPP_2M, DEFAULT_STEPS)
        asked = (ask(network.description, shares, guidance),) * DEFAULT_STEPS
        rows.append(begin_row(Sampler.DPMPP_2M, sigmas, asked, starting_noise(seed, denoiser.resolution), seed=seed))
    return rows


def time_steps(network: Network, count: int, guidance: float, repeats: int) -> float:
    """Median wall seconds of a step of `count` rows."""
    stepper, rows = RowStepper(Denoiser(network)), rows_of(network, count, guidance)
    return _median(lambda: stepper.step(rows), repeats)


def _median(call: Callable[[], object], repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def print_picture(network: Network, count: int, init_strength: float | None) -> None:
    engine = DdpmEngine(network)
    time_picture(engine, 0, init_strength)
    runs = [time_picture(engine, seed, init_strength) for seed in range(count)]
    totals = sorted(sum(run) for run in runs)
    start = "the engine's own start" if init_strength is None else f"init_strength {init_strength:g}"
    print(f"\none picture, {DEFAULT_STEPS} steps, guidance {DEFAULT_GUIDANCE:g}, {start}; {count} species, wall time")
    print(f"{'part':<12}{'median':>9}{'most':>9}{'share':>8}")
    for index, stage in enumerate(STAGES):
        times = [run[index] for run in runs]
        print(f"{stage:<12}{statistics.median(times):>8.2f}s{max(times):>8.2f}s{sum(times) / sum(totals):>8.0%}")
    print(f"{'in all':<12}{statistics.median(totals):>8.2f}s{totals[-1]:>8.2f}s{1:>8.0%}")


def print_rows(network: Network, repeats: int) -> None:
    print(f"\nrows that share a step ({', '.join(network.libraries)} on {network.device.description})")
    print(f"{'rows':<8}{'a step':>10}{'rows/s':>10}{'with guidance':>16}{'rows/s':>10}")
    for count in (1, 2, 4, 8):
        plain, guided = (time_steps(network, count, guidance, repeats) for guidance in (1.0, DEFAULT_GUIDANCE))
        print(f"{count:<8}{plain * 1e3:>8.1f}ms{count / plain:>10.1f}{guided * 1e3:>14.1f}ms{count / guided:>10.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="", help="file or folder; default: the shipped one")
    parser.add_argument("--runtime", choices=("auto", "onnx", "torch", "both"), default="auto", help="what runs it")
    parser.add_argument("--count", type=int, default=6, help="how many pictures")
    parser.add_argument("--repeats", type=int, default=10, help="how often a step is timed")
    parser.add_argument("--threads", type=int, default=0, help="cores; 0: all")
    options = parser.parse_args()
    medians: dict[str, float] = {}
    for runtime in ("onnx", "torch") if options.runtime == "both" else (options.runtime,):
        try:
            network = load_network(options.model, runtime, options.threads)
        except ModelUnusable as fault:
            print(fault.message)
            return
        model = network.description
        print(f"{model.name}: {model.resolution} px, {len(model.classes)} classes, {', '.join(network.libraries)}")
        print_rows(network, options.repeats)
        medians[runtime] = time_steps(network, 2, DEFAULT_GUIDANCE, options.repeats)
        for strength in (None, 1.0):
            print_picture(load_network(options.model, runtime, options.threads), options.count, strength)
    if len(medians) == 2:
        print(f"\ntorch takes {medians['torch'] / medians['onnx']:.1f} times as long as ONNX for the same step")


if __name__ == "__main__":
    main()
