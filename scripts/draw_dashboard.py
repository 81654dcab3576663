"""Draws a dashboard as a picture, from its own JSON and its own queries: what Grafana would show of a live Prometheus.

    python scripts/draw_dashboard.py --prometheus http://127.0.0.1:9090 --minutes 15

It needs the environment of `make setup` with the development requirements (Playwright) and Chromium on the path.
"""

import argparse
import json
import math
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import urllib3

from dashboard_charts import STEPS, Plane, Series, Span, axes, stacked, ticks, worded

ROOT = Path(__file__).resolve().parents[1]
PALETTE = ("#73BF69", "#F2CC0C", "#8AB8FF", "#FF780A", "#F2495C", "#5794F2", "#B877D9", "#705DA0", "#37872D", "#FADE2A")
WIDTH, GAP, CELL, HEAD = 1640, 8, 30, 34
"""Width of the page, gap between panels, height of a line of the grid and of a panel's title, in pixels."""

STYLE = """
* { box-sizing: border-box; margin: 0 }
body { background: #111217; color: #ccccdc; font: 12px Inter, "Liberation Sans", Arial, sans-serif; padding: 14px 12px }
h1 { font-size: 20px; font-weight: 500; padding: 2px 6px 4px; color: #e8e8f0 }
p { padding: 0 6px 10px; color: #9a9ba8 }
.grid { position: relative }
.panel { position: absolute; background: #181b1f; border: 1px solid #24262d; border-radius: 4px; overflow: hidden }
.title { height: 34px; padding: 10px 12px 0; font-size: 13px; font-weight: 500; white-space: nowrap }
.row { position: absolute; font-size: 15px; font-weight: 500; padding: 5px 6px; color: #d8d9e4 }
.row::before { content: "\\2304"; padding-right: 8px; color: #9a9ba8; position: relative; top: -4px }
.stat { position: absolute; inset: 34px 0 0 0; font-size: 44px; font-weight: 500; padding: 8px 14px }
.stat svg { position: absolute; left: 0; bottom: 0 }
.stat span { position: relative }
.legend { position: absolute; left: 12px; right: 12px; bottom: 8px; border-collapse: collapse }
.legend { width: calc(100% - 24px) }
.aside { position: absolute; right: 6px; top: 34px; bottom: 8px; overflow: hidden }
.aside .legend { bottom: auto; top: 0; font-size: 11px }
.aside .legend td { height: 14px }
.legend td, .legend th { height: 19px; text-align: right; font-weight: 400; white-space: nowrap; padding-left: 8px }
.legend th { color: #6e9fff; font-size: 11px }
.legend td:first-child { text-align: left; width: 99%; padding-left: 0 }
.legend i { display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin: 0 8px 2px 0 }
.table { border-collapse: collapse; width: 100% }
.table th { text-align: left; color: #6e9fff; font-weight: 500; padding: 8px 12px; border-bottom: 1px solid #2b2d35 }
.table td { padding: 8px 12px; border-bottom: 1px solid #22242a; white-space: nowrap }
.none { position: absolute; inset: 34px 0 0 0; display: grid; place-items: center; color: #9a9ba8; font-size: 14px }
text { fill: #9a9ba8; font-size: 11px }
"""


@dataclass(frozen=True)
class Source:
    """Where queries are asked."""

    url: str
    span: Span
    rate_interval: str

    def ask(self, target: dict[str, Any], *, instant: bool = False) -> list[dict[str, Any]]:
        """The series that a target's query returns."""
        expr = target["expr"].replace("$__rate_interval", self.rate_interval).replace("$instance", ".+")
        fields = {"query": expr, "time": str(self.span.end)}
        if not instant:
            fields |= {"start": str(self.span.begin), "end": str(self.span.end), "step": str(self.span.step)}
        path = "query" if instant else "query_range"
        answer = urllib3.request("GET", f"{self.url}/api/v1/{path}", fields=fields, timeout=60)
        if answer.status != 200:
            raise SystemExit(f"Prometheus does not take {expr}: {answer.data.decode()}")
        return answer.json()["data"]["result"]

    def series(self, panel: dict[str, Any]) -> list[Series]:
        """Every line of a panel, in its colour."""
        found = [
            Series(_named(target["legendFormat"], one["metric"]), "", self._values(one["values"]))
            for target in panel["targets"]
            for one in self.ask(target)
        ]
        colors = dict(zip(sorted({one.name for one in found}), PALETTE * 9, strict=False))
        looks = _looks(panel)
        return [
            replace(
                one,
                color=looks.get(one.name, {}).get("color", {}).get("fixedColor") or colors[one.name],
                dashed="custom.lineStyle" in looks.get(one.name, {}),
            )
            for one in found
        ]

    def _values(self, points: Sequence[tuple[float, str]]) -> list[float | None]:
        known = {round((moment - self.span.begin) / self.span.step): float(text) for moment, text in points}
        values = (known.get(i) for i in range(STEPS + 1))
        return [value if value is not None and math.isfinite(value) else None for value in values]


def _looks(panel: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """How the series or columns with a look of their own are shown, by name."""
    looks: dict[str, dict[str, Any]] = {}
    for override in panel["fieldConfig"]["overrides"]:
        own = looks.setdefault(override["matcher"]["options"], {})
        own |= {look["id"]: look["value"] for look in override["properties"]}
    return looks


def _named(legend: str, labels: dict[str, str]) -> str:
    for label, value in labels.items():
        legend = legend.replace("{{" + label + "}}", value)
    return legend


def graph(panel: dict[str, Any], source: Source, width: float, height: float) -> str:
    """Lines or areas with axes and a legend."""
    defaults, options = panel["fieldConfig"]["defaults"], panel["options"]
    series = source.series(panel)
    if not series:
        return f'<div class="none">{escape(defaults.get("noValue", "No data"))}</div>'
    mode, opacity = defaults["custom"]["stacking"]["mode"], defaults["custom"]["fillOpacity"] / 100
    unit = defaults["unit"]
    flat = [one for one in series if one.dashed or mode == "none"]
    piled = [one for one in series if one not in flat]
    edges = stacked(piled)
    shown = [value for one in flat for value in one.values if value is not None] + [v for _, top in edges for v in top]
    low = defaults.get("min", min(shown, default=0.0))
    least = 1.0 if defaults.get("decimals") == 0 or not any(shown) else low + 1e-9
    high = max(max(shown, default=0.0), defaults.get("max", 0.0), least)
    scale = ticks(low, high, unit)
    legend = _legend(series, options["legend"]["calcs"], defaults["unit"], defaults.get("decimals"))
    lines = len(series) + 1 if options["legend"]["calcs"] else 1
    beside = options["legend"]["placement"] == "right"
    aside, below = (width * 0.38, 8) if beside else (0, 12 + 19 * lines)
    plane = Plane(source.span, scale[0], scale[-1], 62, 6, width - 78 - aside, height - HEAD - below - 30)
    parts = [axes(plane, scale, unit)]
    for one, (floor, top) in zip(piled, edges, strict=True):
        drawn = "".join(plane.area(floor, list(top)))
        parts.append(f'<path d="{drawn}" fill="{one.color}" fill-opacity="{opacity}"/>')
        parts.append(f'<path d="{plane.line(list(top))}" fill="none" stroke="{one.color}" stroke-width="1.2"/>')
    for one in flat:
        if not one.dashed and opacity:
            drawn = "".join(plane.area([plane.low] * (STEPS + 1), one.values))
            parts.append(f'<path d="{drawn}" fill="{one.color}" fill-opacity="{opacity}"/>')
        dash = 'stroke-dasharray="7 5"' if one.dashed else ""
        parts.append(f'<path d="{plane.line(one.values)}" fill="none" stroke="{one.color}" stroke-width="1.5" {dash}/>')
    picture = f'<svg width="{width - aside}" height="{height - HEAD - below}">{"".join(parts)}</svg>'
    return f'{picture}<div class="aside" style="width:{aside}px">{legend}</div>' if beside else picture + legend


def _legend(series: Sequence[Series], calcs: Sequence[str], unit: str, decimals: int | None) -> str:
    if not calcs:
        names = "&emsp;".join(f'<i style="background:{one.color}"></i>{escape(one.name)}' for one in series)
        return f'<table class="legend"><tr><td>{names}</td></tr></table>'
    titles = {"lastNotNull": "Last", "mean": "Mean", "max": "Max", "min": "Min"}
    head = "".join(f"<th>{titles[calc]}</th>" for calc in calcs)
    rows = "".join(
        f'<tr><td><i style="background:{one.color}"></i>{escape(one.name)}</td>'
        + "".join(f"<td>{worded(one.calc(calc), unit, decimals)}</td>" for calc in calcs)
        + "</tr>"
        for one in series
    )
    return f'<table class="legend"><tr><th></th>{head}</tr>{rows}</table>'


def stat(panel: dict[str, Any], source: Source, width: float, height: float) -> str:
    """One large number over its way to there."""
    defaults = panel["fieldConfig"]["defaults"]
    series = source.series(panel)
    value = series[0].calc("lastNotNull") if series else None
    color = next(
        step["color"]
        for step in reversed(defaults["thresholds"]["steps"])
        if (value or 0) >= (step["value"] or -math.inf)
    )
    text = defaults.get("noValue", "-") if value is None else worded(value, defaults["unit"], defaults.get("decimals"))
    spark = ""
    if value is not None and panel["options"]["graphMode"] == "area":
        there = [v for v in series[0].values if v is not None]
        low, high = min(0.0, *there), max(*there, 1e-9)
        tall = (height - HEAD) * 0.55
        plane = Plane(source.span, low, high, 0, 4, width, tall - 4)
        drawn = "".join(plane.area([low] * (STEPS + 1), series[0].values))
        line = plane.line(series[0].values)
        spark = (
            f'<svg width="{width}" height="{tall}"><path d="{drawn}" fill="{color}" fill-opacity="0.14"/>'
            f'<path d="{line}" fill="none" stroke="{color}" stroke-opacity="0.55" stroke-width="1.5"/></svg>'
        )
    return f'<div class="stat" style="color:{color}">{spark}<span>{escape(text)}</span></div>'


def table(panel: dict[str, Any], source: Source, width: float, height: float) -> str:
    """Rows joined by a label, with the columns that the panel names; it finds its size by itself."""
    del width, height
    steps = {step["id"]: step["options"] for step in panel["transformations"]}
    titles, by = steps["organize"]["renameByName"], steps.get("joinByField", {}).get("byField", "")
    rows: dict[object, dict[str, str]] = {}
    for target in panel["targets"]:
        for i, one in enumerate(source.ask(target, instant=True)):
            row = rows.setdefault(one["metric"].get(by, "") if by else i, {})
            row |= one["metric"] | {f"Value #{target['refId']}": one["value"][1]}
    if not rows:
        return f'<div class="none">{escape(panel["fieldConfig"]["defaults"].get("noValue", "No data"))}</div>'
    looks = _looks(panel)
    head = "".join(f"<th>{escape(title)}</th>" for title in titles.values())
    body = "".join(
        "<tr>" + "".join(_cell(row.get(name, ""), looks.get(title, {})) for name, title in titles.items()) + "</tr>"
        for row in sorted(rows.values(), key=lambda row: row.get(next(iter(titles)), ""))
    )
    return f'<table class="table"><tr>{head}</tr>{body}</table>'


def _cell(text: str, look: dict[str, Any]) -> str:
    for mapping in look.get("mappings", []):
        if text in mapping["options"]:
            said = mapping["options"][text]
            return f'<td style="color:{said["color"]}">{escape(said["text"])}</td>'
    return f"<td>{worded(float(text), look['unit']) if text and 'unit' in look else escape(text)}</td>"


def page(board: dict[str, Any], source: Source) -> str:
    """The whole dashboard as HTML."""
    column = (WIDTH - 24 - GAP * 23) / 24
    parts: list[str] = []
    for panel in board["panels"]:
        place = panel["gridPos"]
        left, top = place["x"] * (column + GAP), place["y"] * (CELL + GAP)
        width, height = place["w"] * (column + GAP) - GAP, place["h"] * (CELL + GAP) - GAP
        style = f"left:{left:.1f}px;top:{top}px;width:{width:.1f}px;height:{height}px"
        if panel["type"] == "row":
            parts.append(f'<div class="row" style="{style}">{escape(panel["title"])}</div>')
            continue
        draw = {"timeseries": graph, "stat": stat, "table": table}[panel["type"]]
        inner = draw(panel, source, width, height)
        parts.append(
            f'<div class="panel" style="{style}"><div class="title">{escape(panel["title"])}</div>{inner}</div>'
        )
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"]) * (CELL + GAP)
    head = f"<h1>{escape(board['title'])}</h1><p>{escape(board['description'])}</p>"
    grid = f'<div class="grid" style="height:{bottom}px">{"".join(parts)}</div>'
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><body>{head}{grid}</body>'


def photograph(html: str) -> bytes:
    """The page as a PNG."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("draw_dashboard needs Playwright: make lint sets it up") from None
    if (chromium := shutil.which("chromium")) is None:
        raise SystemExit("draw_dashboard needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": WIDTH, "height": 900}, device_scale_factor=1)
        view.set_content(html)
        picture = view.screenshot(full_page=True)
        browser.close()
    return picture


def main(arguments: Sequence[str]) -> None:
    """Draws and writes one picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--dashboard", type=Path, default=ROOT / "deploy/grafana/dashboards/overview.json")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="address of a live Prometheus")
    parser.add_argument("--minutes", type=float, default=15, help="how far back it looks")
    parser.add_argument("--end", type=float, default=None, help="where it ends, in seconds since 1970; now by default")
    parser.add_argument("--rate-interval", default="1m", help="what stands for $__rate_interval")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/pictures/dashboard.webp", help="picture, or .html")
    chosen = parser.parse_args(arguments)
    end = chosen.end or time.time()
    source = Source(chosen.prometheus, Span(end - 60 * chosen.minutes, end), chosen.rate_interval)
    html = page(json.loads(chosen.dashboard.read_text()), source)
    if chosen.out.suffix == ".html":
        chosen.out.write_text(html)
        return
    from PIL import Image

    Image.open(BytesIO(photograph(html))).convert("RGB").save(chosen.out, quality=88, method=6)


if __name__ == "__main__":
    main(sys.argv[1:])
