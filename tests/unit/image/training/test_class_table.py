"""Rows of a class table that go over to a model which knows other classes."""

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs torch: make setup-train")
pytest.importorskip("onnx", reason="needs onnx: make setup-train")

from postcards_image.training.choices import Ask, choose_weights  # noqa: E402
from postcards_image.training.network.building import build, describe  # noqa: E402
from postcards_image.training.network.class_table import fitted  # noqa: E402
from postcards_image.training.network.export import write_folder  # noqa: E402
from postcards_image.training.recipe import AUGMENTATION_LABELS, Recipe  # noqa: E402

TABLE = "unet.class_embedding.weight"
RECIPE = Recipe(resolution=8, patch_size=1, channels=(8, 8), attention=(), batch_size=2, epochs=1)
CLASSES = ("ant", "sea-horse", "owl")


def described(classes, recipe=RECIPE):
    return describe(recipe, classes, "m", (1.0,) * 3)


def table(classes):
    """A table in which every row tells which it is."""
    rows = len(classes) + 1 + AUGMENTATION_LABELS
    return torch.arange(rows, dtype=torch.float32)[:, None].repeat(1, 4)


@pytest.mark.parametrize(
    ("ours", "rows"),
    [
        (("ant", "sea-horse", "owl"), [0, 1, 2, 3]),
        (("owl", "ant", "sea-horse"), [2, 0, 1, 3]),
        (("owl",), [2, 3]),
        (("bat", "owl", "Sea Horse", "yak", "ant"), [3, 2, 1, 3, 0, 3]),
        (("bat",), [3, 3]),
        ((), [3]),
    ],
)
def test_rows_go_by_name_and_new_ones_start_from_no_class_in_particular(ours, rows):
    weights = {TABLE: table(CLASSES), "other": torch.ones(1)}
    found = fitted(weights, described(CLASSES), described(ours))
    assert found["other"] is weights["other"]
    assert found[TABLE][:, 0].tolist() == rows + list(range(4, 4 + AUGMENTATION_LABELS))
    assert len(found[TABLE]) == described(ours).labels


def test_a_table_of_another_maker_has_no_row_for_any_class():
    theirs = replace(described(CLASSES), any_class=None, labels=3)
    weights = {TABLE: torch.tensor([[0.0], [3.0], [6.0]])}
    found = fitted(weights, theirs, described(("owl", "bat")))[TABLE]
    assert found[:, 0].tolist() == [6.0] + [3.0] * (2 + AUGMENTATION_LABELS)


def test_a_model_without_classes_is_left_alone():
    weights = {"other": torch.ones(1)}
    assert fitted(weights, described(()), described(CLASSES)) is weights
    unconditional = replace(RECIPE, class_conditional=False)
    weights = {TABLE: table(CLASSES)}
    assert fitted(weights, described(CLASSES), described(CLASSES, unconditional)) is weights


def test_a_model_of_other_classes_can_be_started_from(tmp_path: Path):
    torch.manual_seed(1)
    theirs = build(RECIPE, described(CLASSES))
    write_folder(theirs, described(CLASSES), tmp_path)
    ours = build(RECIPE, described(("owl", "bat")))
    for source in (tmp_path, tmp_path / "model.onnx"):
        ask = Ask("photos", tmp_path / "out", "quick", {}, False, source, "", "", (1.0, 1.0))
        weights = choose_weights(ask, RECIPE, ("owl", "bat"))
        ours.load_state_dict({**ours.state_dict(), **weights})
        old, new = theirs.unet.class_embedding.weight, ours.unet.class_embedding.weight
        assert torch.allclose(new[0], old[2], atol=1e-3)
        assert torch.allclose(new[1:], old[3:][torch.tensor([0, *range(AUGMENTATION_LABELS + 1)])], atol=1e-3)
