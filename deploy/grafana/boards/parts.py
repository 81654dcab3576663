"""The pages of the three services that make parts: image, audio and language."""

from boards.model import BLUE, GREEN, ORANGE, PURPLE, RED, TEAL, YELLOW, Dashboard, Graph, Query, Row, Stat
from boards.panels import durations, places_taken
from boards.processes import calls, process, states
from boards.queries import chosen, each, largest, mean, rate, share, total

BATCHED = "Shown once an engine runs that denoises in steps"
"""Why a panel about batches may be empty."""


def page(service: str, title: str, description: str, *, batched: bool = True, extra: tuple[Row, ...] = ()) -> Dashboard:
    """The page of one service; `batched` where an engine of it steps several requests together."""
    rows = [_head(service), calls(service), _room(service), _making(service), *extra, _faults(service)]
    rows += [_batch(service)] if batched else []
    return Dashboard(service, title, description, [*rows, process(service)], service=service)


def pages() -> list[Dashboard]:
    """The three pages."""
    return [
        page("image", "Image", "The service that makes pictures: calls, queue, engine, batch and process."),
        page("audio", "Audio", "The service that makes calls of animals: calls, queue, engine, batch and process."),
        page(
            "language",
            "Language",
            "The service that makes phrases: calls, queue, engine, what a paid API costs, and process.",
            batched=False,
            extra=(_paid(),),
        ),
    ]


def _head(service: str) -> Row:
    matchers = chosen(service)
    return Row(
        "Now",
        [
            *states(service),
            Stat(
                "Wait of a request that came now",
                "Expected from how long requests took of late, on the replica where it is longest.",
                [largest("postcards_queue_predicted_wait_seconds", matchers, "wait")],
                unit="s",
                thresholds=((None, GREEN), (30, YELLOW), (120, RED)),
            ),
            places_taken(
                "Requests being worked on, as a share of those that all chosen replicas work on at once.",
                "postcards_in_flight_rows",
                matchers,
            ),
        ],
    )


def _room(service: str) -> Row:
    matchers = chosen(service)
    return Row(
        "Room",
        [
            Graph(
                "Waiting requests",
                "Requests that wait for a place, on each replica. At the limit, one more is turned away with a delay.",
                [
                    each("postcards_queue_depth", matchers),
                    largest("postcards_queue_limit", matchers, "limit"),
                ],
                width=6,
                decimals=0,
            ),
            Graph(
                "Wait",
                "Expected for a request that came now, and how long the first in the queue has waited already. The"
                " second far above the first: something hangs.",
                [
                    largest("postcards_queue_predicted_wait_seconds", matchers, "expected"),
                    largest("postcards_queue_oldest_wait_seconds", matchers, "oldest"),
                    Query("max(postcards:predicted_wait_seconds:limit)", "limit"),
                ],
                unit="s",
                width=6,
                colors={"expected": BLUE, "oldest": YELLOW},
            ),
            Graph(
                "Requests in work",
                "On each replica. Level at the limit with a queue behind it: add replicas, or rows to the batch.",
                [
                    each("postcards_in_flight_rows", matchers),
                    largest("postcards_in_flight_rows_limit", matchers, "limit"),
                ],
                width=6,
                decimals=0,
            ),
            Graph(
                "Turned away",
                "Requests per second that found the queue full. The composer tries them again later.",
                [rate("postcards_queue_rejected_total", matchers, legend="turned away")],
                unit="reqps",
                width=6,
                fill=40,
            ),
        ],
    )


def _making(service: str) -> Row:
    matchers = chosen(service)
    return Row(
        "Making",
        [
            Graph(
                "Time by stage",
                "How the time of the engine is shared among its stages.",
                [share("postcards_step_duration_seconds_sum", matchers, "stage")],
                unit="percentunit",
                decimals=0,
                stack="normal",
                width=6,
                calcs=("mean",),
                maximum=1,
            ),
            Graph(
                "Mean time of a stage",
                "Of an engine that denoises, the stage in which it does so is one of its steps.",
                [mean("postcards_step_duration_seconds", matchers, "stage")],
                unit="s",
                width=6,
            ),
            durations(
                "Time of a part",
                "From begin to end, without the wait in the queue; only parts that were finished.",
                "postcards_part_duration_seconds",
                f'{matchers}, outcome="done"',
            ),
            Graph(
                "Parts by outcome",
                "Parts per second. A part is cancelled where its caller no longer wants it or has run out of time.",
                [rate("postcards_part_duration_seconds_count", matchers, "outcome")],
                unit="suffix: /s",
                width=6,
                stack="normal",
            ),
        ],
    )


def _faults(service: str) -> Row:
    matchers = chosen(service)
    return Row(
        "Engines",
        [
            Graph(
                "Parts by engine",
                "Parts per second that each engine finished. Where the main one fails, another stands behind it.",
                [rate("postcards_part_duration_seconds_count", f'{matchers}, outcome="done"', "engine")],
                unit="suffix: /s",
                width=8,
                stack="normal",
            ),
            Graph(
                "Parts that a fallback made",
                "By the reason why the main engine could not.",
                [rate("postcards_fallbacks_total", matchers, "reason")],
                unit="suffix: /s",
                width=8,
                stack="normal",
                calcs=("max",),
                beside=True,
                empty="No fallback is set",
            ),
            Graph(
                "Failed attempts to load",
                "Attempts in the last ten minutes to load what is to be served. The service says why in its log, and"
                " tries again, each time after a longer pause.",
                [
                    Query(
                        f"sum by (instance) (increase(postcards_load_failures_total{{{matchers}}}[10m]))",
                        "{{instance}}",
                    )
                ],
                width=8,
                decimals=0,
                fill=40,
            ),
        ],
    )


def _batch(service: str) -> Row:
    matchers = chosen(service)

    def of(what: str) -> str:
        return f"sum by (engine) (postcards_batch_{what}{{{matchers}}})"

    return Row(
        "Batch (engines that denoise in steps)",
        [
            Graph(
                "Rows",
                "Requests that step together, those that wait to join at the next step, and chores that wait.",
                [
                    total("postcards_batch_rows_in_flight", matchers, "in work"),
                    total("postcards_batch_rows_waiting", matchers, "waiting"),
                    total("postcards_batch_chores_waiting", matchers, "chores waiting"),
                ],
                width=6,
                decimals=0,
                colors={"chores waiting": ORANGE},
                empty=BATCHED,
            ),
            Graph(
                "Rows that share a step",
                "Mean over all steps. Near 1 under load: requests come one after the other, or memory allows no more.",
                [mean("postcards_batch_step_rows", matchers, "engine")],
                width=6,
                empty=BATCHED,
            ),
            durations(
                "Time of a shared step",
                "It grows with the rows and the size of what is made; far faster than they do, the device is short of"
                " something.",
                "postcards_batch_step_duration_seconds",
                matchers,
                empty=BATCHED,
            ),
            Graph(
                "The step that runs now",
                "Time since it began. It keeps growing when a step is stuck.",
                [Query(f"max by (instance) (postcards_batch_present_step_seconds{{{matchers}}})", "{{instance}}")],
                unit="s",
                width=6,
                empty=BATCHED,
            ),
            Graph(
                "Cost aboard and budget",
                "In the engine's own unit. The budget falls when memory was short, and rises again with time.",
                [
                    Query(of("cost_in_flight"), "aboard ({{engine}})"),
                    Query(of("budget"), "budget ({{engine}})"),
                ],
                width=6,
                empty=BATCHED,
            ),
            Graph(
                "Time in steps and chores",
                "Share of the time: chores are text encoding and decoding, between the steps. Together near 100 % under"
                " load; far below with rows waiting, something else holds the engine up.",
                [
                    rate("postcards_batch_step_duration_seconds_sum", matchers, legend="steps"),
                    rate("postcards_batch_chore_duration_seconds_sum", matchers, legend="chores"),
                ],
                unit="percentunit",
                width=6,
                stack="normal",
                colors={"steps": BLUE, "chores": ORANGE},
                empty=BATCHED,
            ),
            Graph(
                "Failed steps and want of memory",
                "A shared step that fails is taken again in halves, so that one bad row does not sink the others.",
                [
                    rate("postcards_batch_failed_steps_total", matchers, legend="failed steps"),
                    rate("postcards_batch_out_of_memory_total", matchers, legend="out of memory"),
                    rate("postcards_batch_rows_rejected_total", matchers, legend="rows turned away"),
                ],
                unit="suffix: /s",
                width=6,
                colors={"failed steps": ORANGE, "out of memory": RED, "rows turned away": YELLOW},
                empty=BATCHED,
            ),
            Graph(
                "Rows by outcome",
                "Rows per second that left the batch.",
                [rate("postcards_batch_rows_ended_total", matchers, "outcome")],
                unit="suffix: /s",
                width=6,
                stack="normal",
                empty=BATCHED,
            ),
        ],
        collapsed=True,
    )


def _paid() -> Row:
    matchers = chosen("language")
    unpaid = "Shown once an engine runs that asks an API"
    return Row(
        "Language model",
        [
            Graph(
                "Cost per hour",
                "At the prices of the settings, over ten minutes. Zero where no prices are set.",
                [
                    Query(
                        f"3600 * sum by (model) (rate(postcards_language_cost_usd_total{{{matchers}}}[10m]))",
                        "{{model}}",
                    ),
                    Query("max(postcards:cost_usd_per_hour:limit)", "limit"),
                ],
                unit="currencyUSD",
                width=6,
                empty=unpaid,
            ),
            Graph(
                "Tokens",
                "Tokens per second: the prompt is what the model reads, the completion what it writes.",
                [rate("postcards_language_tokens_total", matchers, "kind")],
                unit="suffix: /s",
                width=6,
                stack="normal",
                colors={"prompt": TEAL, "completion": PURPLE},
                empty=unpaid,
            ),
            Graph(
                "Calls of the API",
                "By how they ended. limited: too many calls; refused: the key, the account or the model; unreachable:"
                " no answer.",
                [rate("postcards_language_api_calls_total", matchers, "outcome")],
                unit="reqps",
                width=6,
                stack="normal",
                calcs=("max",),
                beside=True,
                empty=unpaid,
            ),
            Graph(
                "Phrases put right, and calls held back",
                "Phrases per second whose words came from the species' lexicon and not from the model; and whether"
                " calls are held back (1) because the API keeps failing.",
                [
                    rate("postcards_language_repaired_phrases_total", matchers, legend="phrases put right"),
                    largest("postcards_language_circuit_open", matchers, "calls held back"),
                ],
                width=6,
                colors={"phrases put right": BLUE, "calls held back": RED},
                empty=unpaid,
            ),
        ],
    )
