"""What the composer tells Prometheus about itself. Every series exists from the start, with zero."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from postcards_composer.postcards.manifest import PartKind, PostcardState

STORE_OPERATIONS = ("prepare", "put", "get", "list", "delete")
FINAL_STATES = (PostcardState.ACTIVE, PostcardState.PARTIAL, PostcardState.FAILED, PostcardState.CANCELLED)
PART_RESULTS = ("done", "failed")


class ComposerMetrics:
    """The composer's own series, beside the RPC metrics that every service has."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Registers every series with `registry`."""
        self.accepted = Counter("postcards_accepted_total", "Postcards accepted for making.", registry=registry)
        self.created = Counter(
            "postcards_created_total", "Postcards whose making has ended, by state.", ["state"], registry=registry
        )
        self.in_flight = Gauge("postcards_in_flight", "Postcards being made by this process.", registry=registry)
        self.capacity = Gauge("postcards_in_flight_limit", "Postcards this process makes at most.", registry=registry)
        self.parts_wanted = Gauge(
            "postcards_parts_wanted",
            "Parts that the postcards being made by this process still lack, by part: waiting, tried again or in work.",
            ["part"],
            registry=registry,
        )
        self.refused = Counter("postcards_refused_total", "Postcards refused for want of room.", registry=registry)
        self.part_seconds = Histogram(
            "postcards_part_seconds",
            "Time from the first try of a part to its end, queue and retries included, by part and result.",
            ["part", "result"],
            buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600),
            registry=registry,
        )
        self.part_retries = Counter(
            "postcards_part_retries_total", "Tries of a part after its first, by part.", ["part"], registry=registry
        )
        self.card_failures = Counter(
            "postcards_card_failures_total", "Cards that could not be rendered.", registry=registry
        )
        self.assembly_seconds = Histogram(
            "postcards_assembly_seconds",
            "Time to render the card from its parts.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30),
            registry=registry,
        )
        self.takeovers = Counter(
            "postcards_lease_takeovers_total", "Postcards taken over from another process.", registry=registry
        )
        self.leases_lost = Counter(
            "postcards_leases_lost_total",
            "Makings given up because another process had the postcard.",
            registry=registry,
        )
        self.unfinished = Gauge(
            "postcards_unfinished",
            "Notes of unfinished postcards in the store, whoever makes them, at the last look.",
            registry=registry,
        )
        self.look_age = Gauge(
            "postcards_recovery_look_age_seconds",
            "Time since unfinished postcards were last looked for with success, or since the start; NaN: they are not.",
            registry=registry,
        )
        self.unreadable = Counter(
            "postcards_manifests_unreadable_total", "Manifests met that could not be read.", registry=registry
        )
        self.watchers = Gauge("postcards_watchers", "Watches open on this process.", registry=registry)
        self.store_seconds = Histogram(
            "postcards_store_operation_seconds",
            "Time of an operation on the object store.",
            ["operation"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=registry,
        )
        self.store_errors = Counter(
            "postcards_store_errors_total",
            "Operations on the object store that failed.",
            ["operation"],
            registry=registry,
        )
        self._begin_with_zero()

    def _begin_with_zero(self) -> None:
        for state in FINAL_STATES:
            self.created.labels(state.value)
        for kind in PartKind:
            self.parts_wanted.labels(kind.value)
            self.part_retries.labels(kind.value)
            for result in PART_RESULTS:
                self.part_seconds.labels(kind.value, result)
        for operation in STORE_OPERATIONS:
            self.store_seconds.labels(operation)
            self.store_errors.labels(operation)
