"""The time of day as postcards record it."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC, to the millisecond, as the store can keep it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
