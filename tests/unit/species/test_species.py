"""One seed, one species: the same for ever, each unlike the others."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent, choose_parents
from postcards_species.species import Species, derive_species
from postcards_species.speech.derive import derive_phonology
from postcards_species.speech.english import reads_as_english
from postcards_species.speech.naming import coin_binomial, coin_name

SEEDS = st.integers(0, 2**64 - 1)
SHARES = st.floats(0, 1)
MANY = 10_000


@given(SEEDS, SHARES)
def test_same_seed_same_species(seed: int, strangeness: float) -> None:
    assert derive_species(seed, strangeness, "a storm") == derive_species(seed, strangeness, "a storm")


@given(SEEDS, SHARES, SHARES, st.text(max_size=60))
def test_strangeness_and_theme_never_touch_what_a_species_is(seed: int, one: float, other: float, theme: str) -> None:
    def essence(species: Species) -> tuple[object, ...]:
        return (
            species.name,
            species.binomial,
            species.parents,
            species.temperament,
            species.phonology,
            species.scene.biome,
        )

    assert essence(derive_species(seed, one)) == essence(derive_species(seed, other, theme))
    assert derive_species(seed, one).field_note == derive_species(seed, one, theme).field_note


@given(SEEDS)
def test_ancestry(seed: int) -> None:
    parents = choose_parents(seed)
    assert len(parents) in (2, 3)
    assert len({parent.animal for parent in parents}) == len(parents)
    assert sum(parent.weight for parent in parents) == pytest.approx(1)
    assert [parent.weight for parent in parents] == sorted((p.weight for p in parents), reverse=True)


@given(SEEDS)
def test_temperament_is_the_parents(seed: int) -> None:
    species = derive_species(seed)
    inherited = {adjective for parent in species.parents for adjective in ANIMALS[parent.animal].temperament}
    assert 1 <= len(species.temperament) <= 2
    assert set(species.temperament) <= inherited


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seed_out_of_range(seed: int) -> None:
    with pytest.raises(ValueError, match="seed must be 0 to"):
        derive_species(seed)


@pytest.mark.parametrize("strangeness", [-0.01, 1.01, float("nan")])
def test_strangeness_out_of_range(strangeness: float) -> None:
    with pytest.raises(ValueError, match="strangeness must be 0 to 1"):
        derive_species(0, strangeness)


@pytest.mark.long
def test_many_names_are_sayable_and_rarely_collide() -> None:
    names = [coin_name(derive_phonology(seed, choose_parents(seed))) for seed in range(MANY)]
    assert len(set(names)) > MANY * 0.995
    for name in names:
        assert 3 <= len(name) <= 24
        assert name[0].isalpha() or name[1].isalpha()
        assert any(character.isupper() for character in name)
        assert not reads_as_english(name), name
        assert not re.search(r"(.)\1\1\1", name.lower()), name


def test_many_ancestries_are_varied() -> None:
    animals = Counter(parent.animal for seed in range(MANY) for parent in choose_parents(seed))
    assert animals.keys() == ANIMALS.keys()
    assert max(animals.values()) < 1.4 * min(animals.values())


@pytest.mark.parametrize("head", ANIMALS)
def test_binomials_are_latin_enough(head: str) -> None:
    for tail in ANIMALS:
        if tail != head:
            genus, epithet = coin_binomial(7, (Parent(head, 0.6), Parent(tail, 0.4))).split(" ")
            assert genus[0].isupper()
            assert genus[1:].isalpha()
            assert genus[1:].islower()
            assert epithet.islower()
            assert len(f"{genus} {epithet}") <= 64


def test_epithets_agree_with_the_genus() -> None:
    epithets = {
        tail: {coin_binomial(seed, (Parent("rhino", 0.6), Parent(tail, 0.4))).split(" ")[1] for seed in range(200)}
        for tail in ("pigeon", "rooster")
    }
    assert "nocturna" in epithets["pigeon"]
    assert "nocturnus" not in epithets["pigeon"]
    assert "nocturnus" in epithets["rooster"]
    assert "nocturna" not in epithets["rooster"]
