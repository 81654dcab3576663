"""The first page: whether postcards are made, how fast, what holds them up, and what they cost."""

from boards.model import (
    BLUE,
    GREEN,
    PURPLE,
    RED,
    TEAL,
    YELLOW,
    Dashboard,
    Graph,
    Query,
    Row,
    Stat,
)
from boards.panels import SHARE
from boards.tables import Column, Table

_PARTS = 'service!="composer"'
_FIRING = 'ALERTS{alertstate="firing", alertname=~"Postcards.+"}'


def page() -> Dashboard:
    """The page."""
    return Dashboard(
        "overview",
        "Postcards",
        "The whole system: what is made, how well, what holds it up and what it costs. Each service has a page too.",
        [_now(), _making(), _room(), _store_and_money(), _machines()],
    )


def _now() -> Row:
    return Row(
        "Now",
        [
            Stat(
                "Postcards in the last hour",
                "Postcards whose making has ended whole.",
                [Query('sum(increase(postcards_created_total{job="postcards", state="active"}[1h]))', "postcards")],
                decimals=0,
                thresholds=((None, BLUE),),
                link="/d/postcards-composer",
            ),
            Stat(
                "Whole postcards",
                "Share of the postcards of the last hour that ended with all their parts; those that their owner"
                " cancelled are left out. Red below the objective.",
                [Query("1 - postcards:created_bad:ratio_rate1h", "whole")],
                unit="percentunit",
                maximum=1,
                decimals=1,
                thresholds=((None, RED), (0.99, GREEN)),
                empty="none made",
                link="/d/postcards-composer",
            ),
            Stat(
                "Longest wait for a part",
                "Expected for a request that came now, at the part service where it is longest.",
                [Query(f"max(postcards:predicted_wait_seconds:max{{{_PARTS}}})", "wait")],
                unit="s",
                decimals=0,
                thresholds=((None, GREEN), (30, YELLOW), (120, RED)),
            ),
            Stat(
                "Replicas that serve",
                "Of all that Prometheus knows: 1 means that every one serves.",
                [Query('sum(postcards_serving{job="postcards"}) / count(up{job="postcards"})', "serving")],
                unit="percentunit",
                maximum=1,
                decimals=0,
                thresholds=((None, RED), (0.5, YELLOW), (1, GREEN)),
            ),
            Stat(
                "Alerts firing",
                "The table at the bottom names them; each has an entry in the runbooks.",
                [Query(f"count({_FIRING}) or vector(0)", "firing")],
                decimals=0,
                thresholds=((None, GREEN), (1, RED)),
            ),
            Stat(
                "Cost per hour",
                "Of language models, over the last hour, at the prices of the settings.",
                [Query("sum(postcards:cost_usd_per_hour:rate1h) or vector(0)", "cost")],
                unit="currencyUSD",
                decimals=2,
                thresholds=((None, GREEN), (1, YELLOW), (2, RED)),
                link="/d/postcards-language",
            ),
        ],
    )


def _making() -> Row:
    return Row(
        "Making",
        [
            Graph(
                "Postcards per second",
                "By how they ended, over five minutes. A partial postcard lacks a part and can be repaired.",
                [Query("postcards:created:rate5m", "{{state}}")],
                unit="suffix: /s",
                stack="normal",
                calcs=("lastNotNull", "max"),
            ),
            Graph(
                "Whole postcards, against the objective",
                "Share that ended with all parts, over five minutes and an hour. The alerts watch how fast the month's"
                " budget burns: a short dip is none.",
                [
                    Query("1 - postcards:created_bad:ratio_rate5m", "5 minutes"),
                    Query("1 - postcards:created_bad:ratio_rate1h", "1 hour"),
                    Query("max(postcards:created:objective)", "objective"),
                ],
                unit="percentunit",
                minimum=None,
                maximum=1,
                fill=0,
                colors={"5 minutes": BLUE, "1 hour": GREEN},
                calcs=("lastNotNull", "min"),
            ),
            Graph(
                "Where the time goes",
                "Time spent on each part, its queue and retries included, as a share. The widest band is the service to"
                " scale first.",
                [
                    Query(
                        "postcards:part_seconds:sum_rate5m"
                        " / on () group_left () (sum(postcards:part_seconds:sum_rate5m) > 0)",
                        "{{part}}",
                    )
                ],
                unit="percentunit",
                decimals=0,
                maximum=1,
                stack="normal",
                calcs=("mean",),
            ),
            Graph(
                "Time of a part",
                "Mean, from its first try to its end. The picture runs beside the phrase and then the call.",
                [Query("postcards:part_seconds:mean_rate5m", "{{part}}")],
                unit="s",
                width=12,
                calcs=("lastNotNull", "max"),
            ),
            Graph(
                "Time of a part, 95th percentile",
                "Five in a hundred take longer than this.",
                [Query("postcards:part_seconds:p95_rate5m", "{{part}}")],
                unit="s",
                width=12,
                calcs=("lastNotNull", "max"),
            ),
        ],
    )


def _room() -> Row:
    return Row(
        "Room",
        [
            Graph(
                "Waiting requests",
                "In the queues of the part services, over all replicas. Autoscaling goes by this.",
                [Query(f"postcards:queue_depth:sum{{{_PARTS}}}", "{{service}}")],
                width=6,
                decimals=0,
                stack="normal",
                calcs=("lastNotNull", "max"),
            ),
            Graph(
                "Expected wait",
                "Of a request that came now, on the replica where it is longest. Above the limit an alert fires.",
                [
                    Query(f"postcards:predicted_wait_seconds:max{{{_PARTS}}}", "{{service}}"),
                    Query("max(postcards:predicted_wait_seconds:limit)", "limit"),
                ],
                unit="s",
                width=6,
                calcs=("lastNotNull", "max"),
            ),
            Graph(
                "Rows in flight",
                "Requests that the engines work on now, over all replicas.",
                [Query(f"postcards:in_flight_rows:sum{{{_PARTS}}}", "{{service}}")],
                width=6,
                decimals=0,
                stack="normal",
                calcs=("lastNotNull", "max"),
            ),
            Graph(
                "Saturation",
                "Places taken in the mean, as a share of all: requests in work for the part services, postcards in work"
                " for the composer. At 100 % with a queue behind it, add replicas.",
                [
                    Query(
                        f"avg_over_time(postcards:in_flight_rows:ratio{{{_PARTS}}}[$__rate_interval])", "{{service}}"
                    ),
                    Query("avg_over_time(postcards:in_flight:ratio[$__rate_interval])", "composer"),
                ],
                unit="percentunit",
                maximum=1,
                width=6,
                fill=0,
                thresholds=SHARE,
                calcs=("mean", "lastNotNull"),
            ),
        ],
    )


def _store_and_money() -> Row:
    return Row(
        "Store and money",
        [
            Graph(
                "Time of a store operation, 95th percentile",
                "Of the object store, as the composers see it.",
                [Query("postcards:store_seconds:p95_rate5m", "{{operation}}")],
                unit="s",
                width=6,
                calcs=("lastNotNull", "max"),
            ),
            Graph(
                "Store operations that failed",
                "Per second. They are tried again; while they fail nothing can be accepted.",
                [
                    Query(
                        'sum by (operation) (rate(postcards_store_errors_total{job="postcards"}[$__rate_interval]))',
                        "{{operation}}",
                    )
                ],
                unit="suffix: /s",
                width=6,
                stack="normal",
                calcs=("lastNotNull", "max"),
            ),
            Graph(
                "Cost of language models",
                "Dollars an hour, over ten minutes; zero with the embedded engine, and where no prices are set.",
                [
                    Query(
                        '3600 * sum(rate(postcards_language_cost_usd_total{job="postcards"}[10m])) or vector(0)', "cost"
                    ),
                    Query("max(postcards:cost_usd_per_hour:limit)", "limit"),
                ],
                unit="currencyUSD",
                width=6,
                fill=30,
                colors={"cost": GREEN},
                calcs=("lastNotNull", "max"),
            ),
            Graph(
                "Tokens of language models",
                "Per second: the prompt is what the model reads, the completion what it writes.",
                [
                    Query(
                        f'sum(rate(postcards_language_tokens_total{{job="postcards", kind="{kind}"}}'
                        "[$__rate_interval])) or vector(0)",
                        kind,
                    )
                    for kind in ("prompt", "completion")
                ],
                unit="suffix: /s",
                width=6,
                stack="normal",
                colors={"prompt": TEAL, "completion": PURPLE},
                calcs=("lastNotNull", "max"),
            ),
        ],
    )


def _machines() -> Row:
    yes_or_no = {"1": ("yes", GREEN), "0": ("no", RED)}
    of_one = 'max by (instance) ({}{{job="postcards"}})'.format
    return Row(
        "Replicas and alerts",
        [
            Table(
                "Replicas",
                "Every replica that Prometheus knows. Up: it answers Prometheus. Serves: it takes requests.",
                [
                    Query('max by (service, instance) (up{job="postcards"})', "up"),
                    Query(of_one("postcards_serving"), "serves"),
                    Query('max by (instance, version) (postcards_build_info{job="postcards"})', "version"),
                    Query(of_one("postcards_start_duration_seconds"), "start"),
                    Query(
                        'max by (instance) (rate(process_cpu_seconds_total{job="postcards"}[$__rate_interval]))',
                        "cores",
                    ),
                    Query(of_one("process_resident_memory_bytes"), "memory"),
                ],
                width=16,
                height=8,
                by="instance",
                columns=(
                    Column("service", "Service", link="/d/postcards-${__value.raw}?${__url_time_range}"),
                    Column("instance", "Replica"),
                    Column("Value #A", "Up", texts=yes_or_no),
                    Column("Value #B", "Serves", texts=yes_or_no),
                    Column("version", "Version"),
                    Column("Value #D", "Time to start", unit="s"),
                    Column("Value #E", "Cores", unit="short"),
                    Column("Value #F", "Memory", unit="bytes"),
                ),
            ),
            Table(
                "Alerts that fire",
                "Empty is good.",
                [Query(_FIRING, "alerts")],
                width=8,
                height=8,
                columns=(
                    Column("alertname", "Alert"),
                    Column("severity", "Severity"),
                    Column("service", "Service"),
                ),
                empty="No alert fires",
            ),
        ],
    )
