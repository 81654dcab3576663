"""Tables: the last values of several queries, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from boards.model import Json, Panel, Threshold, look


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    source: str
    """Name of the label, or "Value #A" for what the first query says."""
    title: str
    unit: str = ""
    thresholds: Sequence[Threshold] = ()
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    link: str = ""

    def override(self) -> Json:
        """How the column is shown."""
        texts = {value: {"text": text, "color": color} for value, (text, color) in self.texts.items()}
        steps = [{"value": value, "color": color} for value, color in self.thresholds]
        colored = bool(texts or steps)
        return look(
            self.title,
            {
                **({"unit": self.unit} if self.unit else {}),
                **({"mappings": [{"type": "value", "options": texts}]} if texts else {}),
                **({"thresholds": {"mode": "absolute", "steps": steps}} if steps else {}),
                **({"color": {"mode": "thresholds"}, "custom.cellOptions": {"type": "color-text"}} if colored else {}),
                **({"links": [{"title": "Open its dashboard", "url": self.link}]} if self.link else {}),
            },
        )


@dataclass(frozen=True)
class Table(Panel):
    """The last values of several queries side by side, one row for each set of labels."""

    columns: Sequence[Column] = ()
    by: str = ""
    """Label whose values make the rows."""

    kind = "table"
    instant = True

    def defaults(self) -> Json:
        """See `Panel`."""
        return super().defaults() | {"custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}}

    def overrides(self) -> list[Json]:
        """See `Panel`."""
        return [override for column in self.columns if (override := column.override())["properties"]]

    def options(self) -> Json:
        """See `Panel`."""
        return {
            "showHeader": True,
            "cellHeight": "sm",
            "frameIndex": 0,
            "sortBy": [{"displayName": self.columns[0].title, "desc": False}],
        }

    def json(self, number: int, x: int, y: int) -> Json:
        """See `Panel`."""
        names = [column.source for column in self.columns]
        organized = {
            "indexByName": {name: i for i, name in enumerate(names)},
            "renameByName": {column.source: column.title for column in self.columns},
            "excludeByName": {},
        }
        panel = super().json(number, x, y)
        for target in panel["targets"]:
            target["format"] = "table"
        panel["transformations"] = [
            *([{"id": "joinByField", "options": {"byField": self.by, "mode": "outer"}}] if self.by else []),
            {"id": "filterFieldsByName", "options": {"include": {"names": names}}},
            {"id": "organize", "options": organized},
        ]
        return panel
