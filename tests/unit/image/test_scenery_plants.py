"""What grows: whole, bounded, of its own genes."""

import numpy as np
import pytest

from postcards_image.engines.creature.scenery import flora_fungal, flora_leafy, flora_sea, flora_woody, mineral
from postcards_image.engines.creature.scenery.planting import Grower

GROWERS: list[Grower] = [
    flora_leafy.frond_rosette,
    flora_leafy.broad_leaves,
    flora_leafy.grass_tuft,
    flora_leafy.reeds,
    flora_leafy.lantern_stalks,
    flora_leafy.rosette_spear,
    flora_leafy.liana,
    flora_leafy.cushion,
    flora_woody.canopy_tree,
    flora_woody.umbrella_tree,
    flora_woody.crowned_tree,
    flora_woody.hung_tree,
    flora_woody.bare_tree,
    flora_woody.conifer,
    flora_woody.column_cactus,
    flora_woody.barrel_cactus,
    flora_woody.paddle_cactus,
    flora_sea.staghorn,
    flora_sea.sea_fan,
    flora_sea.brain_coral,
    flora_sea.tube_sponge,
    flora_sea.anemone,
    flora_sea.kelp,
    flora_sea.sea_lily,
    flora_sea.tube_worms,
    flora_sea.glass_sponge,
    flora_fungal.parasol,
    flora_fungal.bell_cluster,
    flora_fungal.puffballs,
    flora_fungal.coral_fungus,
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
