"""The reference page of glosses knows every tag that phrases use."""

import re
from pathlib import Path

from postcards_language.meaning.inventory import ALL

PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "glosses.md").read_text(encoding="utf-8")


def test_every_tag_is_explained() -> None:
    tags = {concept.key for concept in ALL if re.match("[A-Z]{2}|Q$", concept.key)} | {"IMP", "EMPH", "INTENS"}
    explained = set(re.findall(r"`([A-Z][A-Za-z.]*)`", PAGE))
    cries = {tag for tag in tags if tag.startswith("INTJ.")}
    assert tags - cries <= explained
    assert {"INTJ.calm", "INTJ.solemn"} <= explained & cries
