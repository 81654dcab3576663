"""When a call is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from postcards_client.errors import InvalidRequest, NotFound, Overloaded, ServerFailed, Unavailable
from postcards_client.retries import RetryPolicy

policies = st.builds(
    RetryPolicy, attempts=st.integers(1, 10), first_delay=st.floats(0.001, 1), longest_delay=st.floats(1, 10)
)


@given(policies, st.integers(1, 1000))
def test_backoff_grows_within_its_bounds(policy, attempt):
    full = min(policy.longest_delay, policy.first_delay * 2.0 ** min(attempt - 1, 32))
    assert full / 2 <= policy.backoff(attempt) <= full


@given(policies, st.integers(1, 20), st.floats(0, 1000))
def test_the_server_is_never_asked_before_it_said(policy, attempt, seconds):
    assert policy.delay(attempt, Overloaded("", retry_after=seconds)) >= seconds
    delay = policy.delay(attempt, Unavailable("", retry_after=seconds))
    assert delay is None or delay >= seconds


@given(policies)
def test_an_unreachable_server_is_tried_so_often(policy):
    delays = [policy.delay(attempt, Unavailable("")) for attempt in range(1, policy.attempts + 1)]
    assert delays[-1] is None
    assert None not in delays[:-1]


@given(policies)
def test_what_a_retry_cannot_mend_is_not_retried(policy):
    for error in (InvalidRequest(""), NotFound(""), ServerFailed(""), Overloaded("")):
        assert policy.delay(1, error) is None
