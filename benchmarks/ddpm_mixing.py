"""Draws the ways to mix parents side by side, to be looked at: `python benchmarks/ddpm_mixing.py --out mixing.webp`.

One species a row; from left: its first parent alone, its second parent alone, their embeddings mixed, their answers
mixed, and form from the first with detail from the second. The same noise in every column.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.ddpm import load_network
from postcards_image.engines.ddpm.denoiser import Denoiser
from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.faults import ModelUnusable
from postcards_image.engines.ddpm.initial_image import draw_initial_image, to_model_units, to_picture
from postcards_image.engines.ddpm.mixing import Share, ask, choose_shares
from postcards_image.engines.ddpm.sampling import Question, RowStepper, Sampler, begin_row, noise_levels, starting_noise
from postcards_serving.engine.work import Work
from postcards_species.species import derive_species

Way = Callable[[ModelDescription, Sequence[Share], float, float], tuple[Question, ...]]
"""What the network is asked at a noise level: model, shares, guidance, sigma."""

_SWITCH = 1.5
"""Noise level, model units, below which the second parent gives the detail."""


def only(place: int) -> Way:
    """One parent alone."""
    return lambda model, shares, guidance, _: ask(model, [_whole(shares[place % len(shares)])], guidance)


def embeddings(model: ModelDescription, shares: Sequence[Share], guidance: float, _: float) -> tuple[Question, ...]:
    """One question about an animal between the parents: what the engine does."""
    return ask(model, shares, guidance)


def answers(model: ModelDescription, shares: Sequence[Share], guidance: float, _: float) -> tuple[Question, ...]:
    """A question about each parent; the answers are averaged by share."""
    alone = [(share, question) for share in shares for question in ask(model, [_whole(share)], guidance)]
    return tuple(Question(question.classes, question.weight * share.weight) for share, question in alone)


def switching(model: ModelDescription, shares: Sequence[Share], guidance: float, sigma: float) -> tuple[Question, ...]:
    """The form from the first parent, the detail from the second."""
    return ask(model, [_whole(shares[0] if sigma > _SWITCH else shares[-1])], guidance)


WAYS: tuple[Way, ...] = (only(0), only(1), embeddings, answers, switching)


def _whole(share: Share) -> Share:
    return Share(share.index, share.name, 1.0)


def draw_row(denoiser: Denoiser, model: ModelDescription, seed: int, strength: float, guidance: float) -> list[NDArray]:
    """The samples of one species in all ways."""
    species = derive_species(seed)
    shares = choose_shares(model, species.parents, seed, species.strangeness)
    sigmas = noise_levels(denoiser.schedule, Sampler.DPMPP_2M, 20, strength)
    bones = draw_initial_image(species.body_plan, species.scene, seed, denoiser.resolution, Work())
    drawing = to_model_units(bones, denoiser.limit) if strength < 1 else None
    noise = starting_noise(seed, denoiser.resolution)
    rows = []
    for way in WAYS:
        asked = tuple(way(model, shares, guidance, sigma) for sigma in sigmas[:-1])
        rows.append(begin_row(Sampler.DPMPP_2M, sigmas, asked, noise, drawing=drawing, seed=seed))
    stepper = RowStepper(denoiser)
    while not rows[0].finished:
        rows = list(stepper.step(rows))
    print(f"{seed}: {', '.join(f'{share.name} {share.weight:.2f}' for share in shares)}")
    return [to_picture(row.noisy, denoiser.limit) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("mixing.webp"), help="file to write")
    parser.add_argument("--model", default="", help="file or folder; default: the shipped one")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--count", type=int, default=8, help="how many species")
    parser.add_argument("--strength", type=float, default=1.0, help="init_strength: 1 starts from noise")
    parser.add_argument("--guidance", type=float, default=2.0, help="guidance_scale")
    parser.add_argument("--tile", type=int, default=160, help="pixels of a sample")
    options = parser.parse_args()
    try:
        network = load_network(options.model)
    except ModelUnusable as fault:
        print(fault.message)
        return
    if not network.description.classes:
        parser.error("the model has no classes to mix")
    denoiser = Denoiser(network)
    seeds = range(options.first, options.first + options.count)
    rows = [draw_row(denoiser, network.description, seed, options.strength, options.guidance) for seed in seeds]
    side = (options.tile, options.tile)
    tiles = [[cv2.resize(picture, side, interpolation=cv2.INTER_CUBIC) for picture in row] for row in rows]
    sheet = np.vstack([np.hstack(row) for row in tiles])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.out), sheet[:, :, ::-1], (cv2.IMWRITE_WEBP_QUALITY, 86))
    print(options.out)


if __name__ == "__main__":
    main()
