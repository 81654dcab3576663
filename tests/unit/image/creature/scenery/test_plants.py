"""What grows: whole, bounded, of its own genes."""

import numpy as np
import pytest

from postcards_image.engines.creature.scenery.plants import fungi, leafy, mineral, sea, woody
from postcards_image.engines.creature.scenery.plants.planting import Grower

GROWERS: list[Grower] = [
    leafy.frond_rosette,
    leafy.broad_leaves,
    leafy.grass_tuft,
    leafy.reeds,
    leafy.lantern_stalks,
    leafy.rosette_spear,
    leafy.liana,
    leafy.cushion,
    woody.canopy_tree,
    woody.umbrella_tree,
    woody.crowned_tree,
    woody.hung_tree,
    woody.bare_tree,
    woody.conifer,
    woody.column_cactus,
    woody.barrel_cactus,
    woody.paddle_cactus,
    sea.staghorn,
    sea.sea_fan,
    sea.brain_coral,
    sea.tube_sponge,
    sea.anemone,
    sea.kelp,
    sea.sea_lily,
    sea.tube_worms,
    sea.glass_sponge,
    fungi.parasol,
    fungi.bell_cluster,
    fungi.puffballs,
    fungi.coral_fungus,
    mineral.boulder,
    mineral.crystals,
    mineral.spire,
    mineral.basalt,
    mineral.ice,
    mineral.dripstone,
    mineral.vent,
]


@pytest.mark.parametrize("grower", GROWERS, ids=lambda grower: grower.__name__)
def test_a_plant_is_whole_and_stands_on_its_root(grower: Grower) -> None:
    for seed in range(6):
        plant = grower(np.random.default_rng(seed), np.random.default_rng(100 + seed))
        assert len(plant.shapes) == len(plant.parts) == len(plant.facing) == len(plant.sideways)
        assert len(plant.shapes) < 1500
        points = np.concatenate(plant.shapes)
        assert np.isfinite(points).all()
        assert np.abs(points).max() < 2.5
        assert points[:, 1].max() - points[:, 1].min() > 0.3
        assert all(len(shape) >= 3 for shape in plant.shapes)
        assert np.isfinite(plant.facing).all()


@pytest.mark.parametrize("grower", GROWERS, ids=lambda grower: grower.__name__)
def test_genes_make_the_kind_and_chance_the_individual(grower: Grower) -> None:
    def grow(genes: int, chance: int) -> np.ndarray:
        plant = grower(np.random.default_rng(genes), np.random.default_rng(chance))
        return np.concatenate(plant.shapes)

    np.testing.assert_array_equal(grow(1, 2), grow(1, 2))
    for other in (grow(5, 2), grow(1, 7)):
        assert other.shape != grow(1, 2).shape or not np.array_equal(other, grow(1, 2))
