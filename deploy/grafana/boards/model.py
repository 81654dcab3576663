"""What a dashboard is made of, and how that is written as Grafana's JSON (dashboard schema 41, Grafana 12)."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]

DATA_SOURCE: Json = {"type": "prometheus", "uid": "prometheus"}
SCHEMA_VERSION = 41
TAG = "postcards"
COLUMNS = 24
"""Width of the grid."""

GREEN, YELLOW, ORANGE, RED, BLUE, PURPLE, GREY, TEAL = (
    "#73BF69",
    "#F2CC0C",
    "#FF9830",
    "#F2495C",
    "#5794F2",
    "#B877D9",
    "#8E8E8E",
    "#4FC3C9",
)

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "{{service}}": {"image": ORANGE, "audio": BLUE, "language": PURPLE, "composer": GREEN},
    "{{part}}": {"image": ORANGE, "audio": BLUE, "language": PURPLE},
    "{{state}}": {"active": GREEN, "partial": YELLOW, "failed": RED, "cancelled": GREY},
    "{{outcome}}": {
        "done": GREEN,
        "finished": GREEN,
        "answered": GREEN,
        "failed": RED,
        "cancelled": GREY,
        "expired": ORANGE,
    },
    "{{operation}}": {"prepare": GREY, "put": BLUE, "get": GREEN, "list": PURPLE, "delete": ORANGE},
    "composer": {"composer": GREEN},
    "limit": {"limit": RED},
    "objective": {"objective": RED},
    "in work": {"in work": BLUE},
    "waiting": {"waiting": YELLOW},
    "turned away": {"turned away": RED},
    "median": {"median": GREEN},
    "95 of 100": {"95 of 100": YELLOW},
    "99 of 100": {"99 of 100": RED},
}
"""The colours of series that mean the same on every dashboard, by the legend of their query."""

Threshold: TypeAlias = tuple[float | None, str]
"""From which value on which colour holds; None is the lowest."""

DASHED = ("limit", "objective")
"""Series that are lines to be held against, not measurements."""


@dataclass(frozen=True)
class Query:
    """One PromQL expression of a panel."""

    expr: str
    legend: str
    """Name of each series; {{label}} is filled in."""

    def json(self, ref: str, *, instant: bool) -> Json:
        """As a target; `instant` asks for the last value only."""
        return {
            "datasource": DATA_SOURCE,
            "refId": ref,
            "expr": self.expr,
            "legendFormat": self.legend,
            "range": not instant,
            "instant": instant,
        }


@dataclass(frozen=True)
class Panel(ABC):
    """What all panels have."""

    title: str
    description: str
    """What it tells, and what to do about it; shown as a tooltip."""
    queries: Sequence[Query]
    unit: str = "short"
    """Grafana's name of the unit, e.g. "s", "percentunit", "suffix: /s"."""
    width: int = 8
    """In columns, 1 to 24."""
    height: int = 8
    """In rows of the grid."""
    decimals: int | None = None
    minimum: float | None = 0
    maximum: float | None = None
    thresholds: Sequence[Threshold] = ((None, GREEN),)
    empty: str = ""
    """What is shown where there is no data."""

    kind: ClassVar[str]
    """Grafana's name of the kind, e.g. "timeseries"."""
    instant: ClassVar[bool] = False
    """Whether only the last values are asked for."""

    def defaults(self) -> Json:
        """How every series is shown."""
        bounds = {"decimals": self.decimals, "min": self.minimum, "max": self.maximum}
        return {
            "unit": self.unit,
            **{name: value for name, value in bounds.items() if value is not None},
            "thresholds": {
                "mode": "absolute",
                "steps": [{"value": value, "color": color} for value, color in self.thresholds],
            },
            **({"noValue": self.empty} if self.empty else {}),
        }

    def overrides(self) -> list[Json]:
        """How single series are shown."""
        return []

    @abstractmethod
    def options(self) -> Json:
        """What only this kind of panel has."""

    def json(self, number: int, x: int, y: int) -> Json:
        """As a panel at a place of the grid."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATA_SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": self.defaults(), "overrides": self.overrides()},
            "options": self.options(),
            "targets": [query.json(chr(ord("A") + i), instant=self.instant) for i, query in enumerate(self.queries)],
        }


@dataclass(frozen=True)
class Graph(Panel):
    """Lines over time, or areas that are stacked."""

    stack: Literal["none", "normal"] = "none"
    fill: int | None = None
    """Opacity of the areas in percent; by default 10, or 60 where they are stacked."""
    colors: Mapping[str, str] = field(default_factory=dict[str, str])
    """Colours of series that `MEANINGS` does not know."""
    marked: bool = False
    """Whether the thresholds are drawn as lines."""
    calcs: Sequence[str] = ("mean", "max")
    """Columns of the legend."""
    beside: bool = False
    """Whether the legend stands beside the graph: for many series."""

    kind = "timeseries"

    def defaults(self) -> Json:
        """See `Panel`."""
        fill = self.fill if self.fill is not None else 60 if self.stack != "none" else 10
        return super().defaults() | {
            "color": {"mode": "palette-classic-by-name"},
            "custom": {
                "drawStyle": "line",
                "lineInterpolation": "linear",
                "lineWidth": 1,
                "fillOpacity": fill,
                "gradientMode": "none",
                "showPoints": "never",
                "spanNulls": False,
                "axisPlacement": "auto",
                "axisSoftMin": 0,
                "stacking": {"mode": self.stack, "group": "A"},
                "thresholdsStyle": {"mode": "dashed" if self.marked else "off"},
            },
        }

    def overrides(self) -> list[Json]:
        """See `Panel`."""
        legends = [query.legend for query in self.queries]
        known = {name: color for legend in legends for name, color in MEANINGS.get(legend, {}).items()}
        known |= self.colors
        colored = [look(name, {"color": {"mode": "fixed", "fixedColor": color}}) for name, color in known.items()]
        dashed = {
            "custom.lineStyle": {"fill": "dash", "dash": [8, 6]},
            "custom.fillOpacity": 0,
            "custom.stacking": {"mode": "none", "group": "B"},
        }
        return colored + [look(name, dashed) for name in DASHED if name in legends]

    def options(self) -> Json:
        """See `Panel`."""
        return {
            "legend": {
                "showLegend": True,
                "displayMode": "table" if self.calcs else "list",
                "placement": "right" if self.beside else "bottom",
                "calcs": list(self.calcs),
            },
            "tooltip": {"mode": "multi", "sort": "desc", "hideZeros": self.stack != "none"},
        }


@dataclass(frozen=True)
class Stat(Panel):
    """One number, large, in the colour of its threshold."""

    width: int = 4
    height: int = 4
    sparkline: bool = True
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Words and colours that stand for values."""
    link: str = ""
    """Where a click leads."""

    kind = "stat"

    def defaults(self) -> Json:
        """See `Panel`."""
        texts = {value: {"text": text, "color": color} for value, (text, color) in self.texts.items()}
        return super().defaults() | {
            "color": {"mode": "thresholds"},
            "mappings": [{"type": "value", "options": texts}] if texts else [],
            **({"links": [{"title": "More", "url": self.link}]} if self.link else {}),
        }

    def options(self) -> Json:
        """See `Panel`."""
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "orientation": "auto",
            "colorMode": "value",
            "graphMode": "area" if self.sparkline else "none",
            "justifyMode": "auto",
            "textMode": "auto",
            "wideLayout": True,
            "showPercentChange": False,
            "percentChangeColorMode": "standard",
        }


@dataclass(frozen=True)
class Row:
    """Panels under a heading, laid out from left to right."""

    title: str
    panels: Sequence[Panel]
    collapsed: bool = False
    """Whether it is closed at first; its queries are not asked before it is opened."""


@dataclass(frozen=True)
class Dashboard:
    """One page."""

    name: str
    """Name of the file; the uid is "postcards-<name>"."""
    title: str
    description: str
    rows: Sequence[Row]
    service: str = ""
    """Service whose replicas can be chosen; empty: none."""

    def json(self) -> Json:
        """As Grafana reads it."""
        return {
            "uid": f"postcards-{self.name}",
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "editable": False,
            "graphTooltip": 1,
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "timezone": "browser",
            "time": {"from": "now-1h", "to": "now"},
            "refresh": "10s",
            "links": [_links()],
            "annotations": {"list": [_alerts(self.service)]},
            "templating": {"list": [_instances(self.service)] if self.service else []},
            "panels": list(_panels(self.rows)),
        }


def look(name: str, properties: Mapping[str, Any]) -> Json:
    """How one series or column is shown, by its name."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def _links() -> Json:
    return {
        "type": "dashboards",
        "tags": [TAG],
        "title": "Postcards",
        "tooltip": "The other dashboards, at the same time",
        "icon": "external link",
        "asDropdown": False,
        "includeVars": False,
        "keepTime": True,
        "targetBlank": False,
        "url": "",
    }


def _alerts(service: str) -> Json:
    """Marks on every graph where an alert fired; of one service also those that name none."""
    chosen = f', service=~"{service}|"' if service else ""
    expr = f'ALERTS{{alertstate="firing", alertname=~"Postcards.+"{chosen}}}'
    return {
        "name": "Alerts firing",
        "datasource": DATA_SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": RED,
        "target": {"refId": "Anno", "expr": expr, "range": True, "instant": False, "interval": "10s"},
        "titleFormat": "{{alertname}}",
        "textFormat": "{{severity}} {{service}}",
    }


def _instances(service: str) -> Json:
    """The variable that chooses replicas."""
    query = f'label_values(postcards_build_info{{job="postcards", service="{service}"}}, instance)'
    return {
        "type": "query",
        "name": "instance",
        "label": "Replica",
        "description": "Which replicas are shown.",
        "datasource": DATA_SOURCE,
        "query": {"refId": "Instances", "query": query, "qryType": 1},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def _panels(rows: Sequence[Row]) -> Iterator[Json]:
    """The rows and panels, with numbers and places."""
    number, y = 1, 0
    for row in rows:
        heading: Json = {"id": number, "type": "row", "title": row.title, "collapsed": row.collapsed}
        heading |= {"gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}}
        placed = [panel.json(number + 1 + i, x, top) for i, (panel, x, top) in enumerate(_places(row.panels, y + 1))]
        number += 1 + len(placed)
        yield heading | {"panels": placed if row.collapsed else []}
        y += 1
        if not row.collapsed:
            yield from placed
            y = max(int(panel["gridPos"]["y"] + panel["gridPos"]["h"]) for panel in placed)


def _places(panels: Sequence[Panel], top: int) -> Iterator[tuple[Panel, int, int]]:
    """Each panel with its column and line: from left to right, and below where there is no more room."""
    x, tallest = 0, 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, top, tallest = 0, top + tallest, 0
        yield panel, x, top
        x, tallest = x + panel.width, max(tallest, panel.height)
