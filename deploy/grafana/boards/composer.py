"""The page of the composer, which has the parts made, assembles postcards and keeps them."""

from boards.model import BLUE, GREEN, ORANGE, RED, YELLOW, Dashboard, Graph, Query, Row, Stat
from boards.panels import durations, places_taken
from boards.processes import calls, process, states
from boards.queries import chosen, each, largest, rate

_CHOSEN = chosen("composer")


def page() -> Dashboard:
    """The page."""
    return Dashboard(
        "composer",
        "Composer",
        "The service that has the parts made, assembles postcards and keeps them: calls, parts, store and process.",
        [_head(), calls("composer"), _making(), _parts(), _store(), _keeping(), process("composer")],
        service="composer",
    )


def _head() -> Row:
    return Row(
        "Now",
        [
            *states("composer"),
            places_taken(
                "Postcards being made, as a share of those that the chosen composers make at most. At 100 % the next"
                " one is refused with a delay.",
                "postcards_in_flight",
                _CHOSEN,
            ),
            Stat(
                "Unfinished in the store",
                "Postcards that nobody has finished yet, whoever makes them. Far above those in work: composers are"
                " missing.",
                [largest("postcards_unfinished", _CHOSEN, "unfinished")],
                decimals=0,
                thresholds=((None, GREEN), (50, YELLOW), (500, RED)),
            ),
        ],
    )


def _making() -> Row:
    return Row(
        "Postcards",
        [
            Graph(
                "Postcards by how they ended",
                "Per second. A partial postcard lacks a part and can be repaired.",
                [rate("postcards_created_total", _CHOSEN, "state")],
                unit="suffix: /s",
                width=6,
                stack="normal",
            ),
            Graph(
                "Postcards in work",
                "On each composer.",
                [
                    each("postcards_in_flight", _CHOSEN),
                    largest("postcards_in_flight_limit", _CHOSEN, "limit"),
                ],
                width=6,
                decimals=0,
            ),
            Graph(
                "Accepted and refused",
                "Postcards per second that were asked for. Refused: all places were taken.",
                [
                    rate("postcards_accepted_total", _CHOSEN, legend="accepted"),
                    rate("postcards_refused_total", _CHOSEN, legend="refused"),
                ],
                unit="suffix: /s",
                width=6,
                stack="normal",
                colors={"accepted": GREEN, "refused": RED},
            ),
            durations(
                "Time to render a card",
                "HTML and print, from the parts.",
                "postcards_assembly_seconds",
                _CHOSEN,
            ),
        ],
    )


def _parts() -> Row:
    return Row(
        "Parts",
        [
            Graph(
                "Parts still wanted",
                "By the postcards in work: waiting, tried again or being made. What grows here holds the rest up.",
                [Query(f"sum by (part) (postcards_parts_wanted{{{_CHOSEN}}})", "{{part}}")],
                width=6,
                decimals=0,
                stack="normal",
            ),
            durations(
                "Time of a part, 95th percentile",
                "From its first try to its end, with queue and retries; only parts that were finished.",
                "postcards_part_seconds",
                f'{_CHOSEN}, result="done"',
                "part",
            ),
            Graph(
                "Tries after the first",
                "Per second. Full queues and replicas that go away make them; many in calm times tell of faults.",
                [rate("postcards_part_retries_total", _CHOSEN, "part")],
                unit="suffix: /s",
                width=6,
                stack="normal",
            ),
            Graph(
                "Parts that failed",
                "Per second, all tries included. Each makes a partial postcard.",
                [rate("postcards_part_seconds_count", f'{_CHOSEN}, result="failed"', "part")],
                unit="suffix: /s",
                width=6,
                stack="normal",
            ),
        ],
    )


def _store() -> Row:
    return Row(
        "Store",
        [
            Graph(
                "Operations",
                "On the object store, per second. Composers at rest look for unfinished postcards: that is the floor.",
                [rate("postcards_store_operation_seconds_count", _CHOSEN, "operation")],
                unit="suffix: /s",
                stack="normal",
            ),
            durations(
                "Time of an operation, 95th percentile",
                "A put carries up to a few megabytes.",
                "postcards_store_operation_seconds",
                _CHOSEN,
                "operation",
                width=8,
            ),
            Graph(
                "Operations that failed",
                "Per second. They are tried again; while they fail nothing can be accepted.",
                [rate("postcards_store_errors_total", _CHOSEN, "operation")],
                unit="suffix: /s",
                stack="normal",
            ),
        ],
    )


def _keeping() -> Row:
    return Row(
        "Keeping and recovery",
        [
            Graph(
                "Takeovers and lost leases",
                "Per second. A takeover finishes what a composer left that died; a lost lease is the other side of it,"
                " seen by one that was only slow.",
                [
                    rate("postcards_lease_takeovers_total", _CHOSEN, legend="taken over"),
                    rate("postcards_leases_lost_total", _CHOSEN, legend="leases lost"),
                ],
                unit="suffix: /s",
                colors={"taken over": BLUE, "leases lost": ORANGE},
            ),
            Graph(
                "Last look for unfinished postcards",
                "Time since each composer looked with success. Rising: the store does not answer it.",
                [each("postcards_recovery_look_age_seconds", _CHOSEN)],
                unit="s",
            ),
            Graph(
                "Faults that stay",
                "Cards that could not be rendered and manifests that could not be read, per second.",
                [
                    rate("postcards_card_failures_total", _CHOSEN, legend="cards"),
                    rate("postcards_manifests_unreadable_total", _CHOSEN, legend="manifests"),
                ],
                unit="suffix: /s",
                width=4,
                colors={"cards": YELLOW, "manifests": RED},
                calcs=(),
            ),
            Graph(
                "Watches",
                "Open on each composer.",
                [each("postcards_watchers", _CHOSEN)],
                width=4,
                decimals=0,
                calcs=(),
            ),
        ],
    )
