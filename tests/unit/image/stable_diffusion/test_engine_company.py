"""Pictures of the Stable Diffusion engine that are made together, and those that must step alone."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")
pytest.importorskip("transformers", reason="make setup-models brings it")

from postcards_serving.engine.work import Work
from sd_pictures import picture, request

COMPANY = (
    {"seed": 1, "steps": 9, "guidance_scale": 7.5},
    {"seed": 2, "steps": 4, "guidance_scale": 1.0, "sampler": "euler", "prompt": "a pale worm", "negative_prompt": ""},
    {"seed": 3, "steps": 8, "init_strength": 0.5, "sampler": "dpmpp-2m", "guidance_scale": 4.0},
    {"seed": 4, "steps": 6, "sampler": "ddim", "guidance_scale": 12.0, "negative_prompt": "colour"},
)


def test_pictures_made_together_are_those_made_apart(sd_engine, exact_pixels, monkeypatch):
    shared: list[int] = []
    step = sd_engine._batch._stepper.step
    monkeypatch.setattr(sd_engine._batch._stepper, "step", lambda states: shared.append(len(states)) or step(states))
    apart = []
    for asked in COMPANY:
        picture(sd_engine, **asked)
        apart.append(exact_pixels[threading.get_ident()])
    assert set(shared) == {1}
    together: dict[int, np.ndarray] = {}
    begin = threading.Barrier(len(COMPANY))

    def make(index: int) -> None:
        begin.wait()
        picture(sd_engine, **COMPANY[index])
        together[index] = exact_pixels[threading.get_ident()]

    run_together([lambda index=index: make(index) for index in range(len(COMPANY))])
    assert max(shared) > 1
    assert all(np.abs(together[index] - apart[index]).max() < 1e-4 for index in range(len(COMPANY)))


def test_exact_pictures_step_alone_and_are_equal_bit_by_bit(sd_engine, monkeypatch):
    companies: list[list[bool]] = []
    step = sd_engine._batch._stepper.step

    def watch(states):
        companies.append([state.alone is not None for state in states])
        return step(states)

    monkeypatch.setattr(sd_engine._batch._stepper, "step", watch)
    alone = sd_engine.generate(request(exact=True), Work())
    results = []
    tasks: list[Callable[[], object]] = [
        lambda: results.append(sd_engine.generate(request(exact=True), Work())),
        lambda: sd_engine.generate(request(seed=4, steps=9), Work()),
        lambda: results.append(sd_engine.generate(request(exact=True), Work())),
    ]
    run_together(tasks)
    assert [result.blobs for result in results] == [alone.blobs, alone.blobs]
    assert all(company in ([True], [False]) for company in companies)


def run_together(tasks: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
