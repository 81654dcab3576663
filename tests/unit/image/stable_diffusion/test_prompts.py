"""What Stable Diffusion is told of a species: in words that its text encoder reads at once."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_image.engine import ImageRequest
from postcards_image.engines.stable_diffusion.prompts import colour_name, write_prompt
from postcards_image.engines.stable_diffusion.styles import AUTHORS_PROMPT, Style, turn_dial
from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent
from postcards_species.body.kinds import CoveringKind, PatternKind, Pose
from postcards_species.body.plan import Colour
from postcards_species.place.scene import Biome, Finish, TimeOfDay, Weather
from postcards_species.species import derive_species

WINDOW = 75
"""Tokens that CLIP reads at once, beside its marks of beginning and end."""
THEMES = ("", "fog", "from my hell", "Christmas cards from the deep sea, printed in Hamburg in 1972")
LONGEST_THEME = (
    "a lonely lighthouse keeper who writes home about the sea, the gulls and the long winter, while the lamp turns "
    "and the fog horn answers to nobody in particular, year after year, until spring"
)


def request(seed: int = 11, strangeness: float = 0.5, theme: str = "") -> ImageRequest:
    species = derive_species(seed, strangeness, theme)
    return ImageRequest(
        species.body_plan,
        species.scene,
        seed=seed,
        strangeness=strangeness,
        parents=species.parents,
        theme=theme,
        temperament=species.temperament,
    )


def written(
    asked: ImageRequest, reads_at_once: Callable[[str], bool] = lambda _: True, style: Style = Style.OWN
) -> str:
    return write_prompt(asked, style, turn_dial(style, asked.strangeness).wording, reads_at_once)


def within(words: int) -> Callable[[str], bool]:
    """A tokenizer of which each word is a token."""
    return lambda text: len(text.split()) <= words


@pytest.fixture(scope="module")
def tokens() -> Callable[[str], int]:
    """How many tokens the vocabulary of CLIP makes of a text."""
    tokenizer = pytest.importorskip("instant_clip_tokenizer", reason="there is none for this Python").Tokenizer()
    return lambda text: len(tokenizer.encode(text))


@pytest.mark.parametrize("seed", range(20))
def test_it_tells_of_the_ancestry_the_place_and_the_theme(seed: int):
    asked = request(seed, theme="fog")
    prompt = written(asked)
    assert all(parent.animal in prompt for parent in asked.parents)
    assert all(trait in prompt for trait in asked.temperament)
    assert ", fog, " in prompt
    assert "  " not in prompt
    assert ", ," not in prompt


@pytest.mark.parametrize(
    ("strangeness", "words"),
    [(0.0, ", slightly distorted,"), (0.5, ", heavily distorted,"), (1.0, "heavily distorted until unrecognizable")],
)
def test_strangeness_is_told(strangeness: float, words: str):
    assert words in written(request(strangeness=strangeness))


def test_everything_that_is_drawn_can_be_told():
    asked = request()
    plan = asked.body_plan
    scenes = [
        replace(asked.scene, **{name: member})
        for name, kind in {"biome": Biome, "weather": Weather, "time_of_day": TimeOfDay, "finish": Finish}.items()
        for member in kind
    ]
    bodies = [
        *(replace(plan, covering=replace(plan.covering, kind=kind)) for kind in CoveringKind),
        *(replace(plan, pattern=replace(plan.pattern, kind=kind)) for kind in PatternKind),
        *(replace(plan, pose=pose) for pose in Pose),
    ]
    told = {written(replace(asked, scene=scene)) for scene in scenes}
    told |= {written(replace(asked, body_plan=body)) for body in bodies}
    assert len(told) == len(scenes) + len(bodies) - 6


def test_a_body_is_told_by_what_it_has():
    for seed in range(60):
        assert "legless" not in written(request(seed))


@pytest.mark.parametrize("strangeness", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("theme", THEMES)
def test_the_model_reads_every_animal_at_once(theme: str, strangeness: float, tokens: Callable[[str], int]):
    for seed in range(100):
        asked = request(seed, strangeness, theme)
        prompt = written(asked, lambda text: tokens(text) <= WINDOW)
        assert tokens(prompt) <= WINDOW
        assert theme in prompt
        assert all(parent.animal in prompt for parent in asked.parents)
        # What is left out is whole clauses.
        assert set(prompt.split(", ")) <= set(written(asked).split(", "))


def test_the_longest_animal_is_read_at_once_with_the_longest_theme(tokens: Callable[[str], int]):
    longest = sorted(ANIMALS, key=tokens)[-3:]
    theme = LONGEST_THEME.ljust(200, "!")[:200]
    asked = replace(request(strangeness=1.0, theme=theme), parents=tuple(Parent(animal, 1 / 3) for animal in longest))
    prompt = written(asked, lambda text: tokens(text) <= WINDOW)
    assert tokens(prompt) <= WINDOW
    assert theme in prompt


def test_words_that_no_encoder_reads_at_once_cost_nothing_else():
    asked = request(theme="語" * 200)
    assert written(asked, within(1)) == written(asked)


def test_what_matters_least_is_left_out_first():
    asked = request(strangeness=1.0, theme="lamps")
    asked = replace(asked, scene=replace(asked.scene, biome=Biome.JUNGLE, time_of_day=TimeOfDay.DUSK))
    told = [written(asked, within(words)) for words in range(len(written(asked).split()), 20, -1)]
    kept = [
        (" and ".join(asked.temperament) in prompt, " light" in prompt, "alien" in prompt, "lamps" in prompt)
        for prompt in told
    ]
    assert kept == sorted(kept, reverse=True)
    assert len(set(kept)) == 4
    assert all("lamps" in prompt and "imagined animal" in prompt for prompt in told)


def test_the_authors_prompt_knows_no_species():
    assert written(request(theme="fog"), style=Style.DISTORTED) == AUTHORS_PROMPT


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64)


@given(st.lists(names, max_size=4), st.text(max_size=200), st.lists(st.text(max_size=32), max_size=3))
def test_it_can_be_put_back_into_a_request(animals: list[str], theme: str, temperament: list[str]):
    """As a replay does: a prompt of a request has at most 2000 characters."""
    asked = replace(
        request(),
        theme=theme,
        parents=tuple(Parent(animal, 0.5) for animal in animals),
        temperament=tuple(temperament),
    )
    assert 0 < len(written(asked, lambda _: False)) <= 2000


@pytest.mark.parametrize(
    ("red", "green", "blue", "name"),
    [
        (0, 0, 0, "black"),
        (1, 1, 1, "white"),
        (0.5, 0.5, 0.5, "grey"),
        (0.8, 0.1, 0.1, "red"),
        (0.4, 0.25, 0.1, "brown"),
        (0.95, 0.6, 0.1, "orange"),
        (0.9, 0.8, 0.65, "beige"),
        (0.1, 0.2, 0.35, "dark blue"),
        (0.2, 0.6, 0.25, "green"),
        (0.95, 0.75, 0.8, "pink"),
        (0.35, 0.35, 0.1, "olive"),
    ],
)
def test_colours_are_called_what_people_call_them(red: float, green: float, blue: float, name: str):
    assert colour_name(Colour(red, green, blue)) == name


@given(st.builds(Colour, *(st.floats(0, 1) for _ in range(3))))
def test_every_colour_has_a_name(colour: Colour):
    assert colour_name(colour)
