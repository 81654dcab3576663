"""The questions that the panels ask, in PromQL: gauges, counters and histograms of the chosen replicas."""

from boards.model import Query


def chosen(service: str) -> str:
    """Label matchers for the replicas of a service that are chosen in the dashboard."""
    return f'job="postcards", service="{service}", instance=~"$instance"'


def quantiles(histogram: str, matchers: str, by: str = "") -> list[Query]:
    """Median, 95th and 99th percentile of a histogram; with `by`, the 95th percentile of each value of that label."""
    labels = f"{by}, le" if by else "le"
    buckets = f"sum by ({labels}) (rate({histogram}_bucket{{{matchers}}}[$__rate_interval]))"
    if by:
        return [Query(f"histogram_quantile(0.95, {buckets})", f"{{{{{by}}}}}")]
    shares = {"0.5": "median", "0.95": "95 of 100", "0.99": "99 of 100"}
    return [Query(f"histogram_quantile({share}, {buckets})", legend) for share, legend in shares.items()]


def mean(histogram: str, matchers: str, by: str) -> Query:
    """Mean of a histogram for each value of a label; no value where nothing was measured."""
    summed = f"sum by ({by}) (rate({histogram}_sum{{{matchers}}}[$__rate_interval]))"
    count = f"sum by ({by}) (rate({histogram}_count{{{matchers}}}[$__rate_interval]))"
    return Query(f"{summed} / {count}", f"{{{{{by}}}}}")


def rate(counter: str, matchers: str, by: str = "", legend: str = "") -> Query:
    """Increase of a counter per second, over all chosen replicas or for each value of a label."""
    grouping = f"sum by ({by})" if by else "sum"
    return Query(f"{grouping} (rate({counter}{{{matchers}}}[$__rate_interval]))", legend or f"{{{{{by}}}}}")


def share(counter: str, matchers: str, by: str) -> Query:
    """Increase of a counter for each value of a label, as a share of all; no value where nothing happened."""
    rates = f"rate({counter}{{{matchers}}}[$__rate_interval])"
    return Query(f"sum by ({by}) ({rates}) / on () group_left () (sum({rates}) > 0)", f"{{{{{by}}}}}")


def each(gauge: str, matchers: str) -> Query:
    """A gauge of every replica."""
    return Query(f"{gauge}{{{matchers}}}", "{{instance}}")


def largest(gauge: str, matchers: str, legend: str) -> Query:
    """A gauge of the replica where it is largest."""
    return Query(f"max({gauge}{{{matchers}}})", legend)


def total(gauge: str, matchers: str, legend: str) -> Query:
    """A gauge, added up over the replicas."""
    return Query(f"sum({gauge}{{{matchers}}})", legend)


def taken(gauge: str, matchers: str) -> Query:
    """Share of the places that are taken: a gauge of those, beside which stands a gauge `<gauge>_limit` of all."""
    return Query(f"sum({gauge}{{{matchers}}}) / sum({gauge}_limit{{{matchers}}})", "taken")
