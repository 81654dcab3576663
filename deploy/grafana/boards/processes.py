"""What every service has: calls that it answers, and a process that needs memory and time."""

from boards.model import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, TEAL, YELLOW, Graph, Panel, Query, Row, Stat
from boards.panels import durations
from boards.queries import chosen, each, largest, rate, total

BAD_CODES = "Unknown|Internal|Unavailable|DataLoss"
"""Codes that the service is to blame for."""
ENGINE_CODES = "DeadlineExceeded|FailedPrecondition"
"""Codes that a part service is to blame for too."""


def states(service: str) -> list[Panel]:
    """The numbers at the head of a page."""
    matchers = chosen(service)
    bad = BAD_CODES if service == "composer" else f"{BAD_CODES}|{ENGINE_CODES}"
    calls = f'{matchers}, grpc_service=~"postcards[.].+"'
    return [
        Stat(
            "Serving",
            "Replicas whose health service says SERVING. Those that are up and do not serve are loading, draining, or"
            " could not load their model.",
            [total("postcards_serving", matchers, "serving")],
            thresholds=((None, RED), (1, GREEN)),
            decimals=0,
        ),
        Stat(
            "Calls that fail by our fault",
            "Share of the calls that ended with a code that the service is to blame for, over five minutes. The alert"
            " is about what is left of the month's budget.",
            [
                Query(
                    f'sum(rate(grpc_server_handled_total{{{calls}, grpc_code=~"{bad}"}}[5m]))'
                    f" / (sum(rate(grpc_server_handled_total{{{calls}}}[5m])) > 0)",
                    "failed",
                )
            ],
            unit="percentunit",
            thresholds=((None, GREEN), (0.005, YELLOW), (0.05, RED)),
            decimals=1,
            empty="no calls",
        ),
        Stat(
            "Memory of the largest",
            "Resident memory of the replica that needs most.",
            [largest("process_resident_memory_bytes", matchers, "memory")],
            unit="bytes",
        ),
        Stat(
            "Youngest process",
            "Time since a replica was last started. Small again and again: it crashes, or it runs out of memory.",
            [Query(f"min(time() - process_start_time_seconds{{{matchers}}})", "age")],
            unit="s",
            decimals=0,
            sparkline=False,
            thresholds=((None, BLUE),),
        ),
    ]


def calls(service: str) -> Row:
    """How often a service is called, how that ends, and how long it takes."""
    matchers = f'{chosen(service)}, grpc_service=~"postcards[.].+"'
    return Row(
        "Calls",
        [
            Graph(
                "Calls by method",
                "Calls per second that have ended. Health checks and reflection are left out.",
                [rate("grpc_server_handled_total", matchers, "grpc_method")],
                unit="reqps",
                stack="normal",
                calcs=("max",),
                beside=True,
            ),
            Graph(
                "Calls that did not end with OK",
                "By gRPC code. Internal and Unavailable are our faults; ResourceExhausted says that there is no room;"
                " InvalidArgument and NotFound are the caller's.",
                [rate("grpc_server_handled_total", f'{matchers}, grpc_code!="OK"', "grpc_code")],
                unit="reqps",
                stack="normal",
                calcs=("max",),
                beside=True,
                colors={
                    "Internal": RED,
                    "Unknown": RED,
                    "Unavailable": ORANGE,
                    "ResourceExhausted": YELLOW,
                    "Canceled": GREY,
                    "DeadlineExceeded": PURPLE,
                    "InvalidArgument": BLUE,
                    "NotFound": TEAL,
                },
            ),
            durations(
                "Time of a call",
                "From its start to its end, the wait for a place included. Half of the calls are below the median. A"
                " watch lasts as long as the making: it is left out.",
                "grpc_server_handling_seconds",
                f'{matchers}, grpc_method!~"Watch.+"',
                width=8,
            ),
        ],
    )


def process(service: str) -> Row:
    """What the processes need of their machines."""
    matchers = chosen(service)
    return Row(
        "Process",
        [
            Graph(
                "Processor",
                "Cores in use by each replica. One that stays at its limit is throttled: the engine's steps grow long.",
                [Query(f"rate(process_cpu_seconds_total{{{matchers}}}[$__rate_interval])", "{{instance}}")],
                unit="suffix: cores",
                width=6,
                decimals=2,
            ),
            Graph(
                "Memory",
                "Resident memory of each replica. It may rise while models load, and should then be level.",
                [each("process_resident_memory_bytes", matchers)],
                unit="bytes",
                width=6,
            ),
            Graph(
                "Open files and connections",
                "File descriptors of each replica. A line that only rises is a leak.",
                [each("process_open_fds", matchers)],
                width=6,
                decimals=0,
            ),
            Graph(
                "Garbage collections",
                "Of Python's collector, by generation. Many of generation 2 cost time of every call.",
                [rate("python_gc_collections_total", matchers, "generation", "generation {{generation}}")],
                unit="suffix: /s",
                width=6,
            ),
        ],
    )
