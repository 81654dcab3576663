"""One JSON object a line, with the request's id and without secrets."""

import io
import json
import logging

import pytest

from postcards_serving.telemetry.logging import REQUEST_ID, JsonFormatter, fields, without_secrets


@pytest.fixture
def lines():
    stream = io.StringIO()
    log = logging.getLogger("test-of-logging")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("image"))
    log.addHandler(handler)
    log.setLevel("DEBUG")
    log.propagate = False
    yield log, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log.removeHandler(handler)


def test_a_line_holds_what_one_searches_for(lines):
    log, written = lines
    token = REQUEST_ID.set("r-1")
    log.info("drew\n%s", "a bird", extra=fields(seconds=1.5, kind="bird"))
    REQUEST_ID.reset(token)
    log.warning("later")
    first, second = written()
    assert first["message"] == "drew\na bird"
    assert (first["service"], first["level"], first["request_id"]) == ("image", "info", "r-1")
    assert (first["seconds"], first["kind"]) == (1.5, "bird")
    assert first["time"].endswith("+00:00")
    assert "request_id" not in second


def test_a_traceback_stays_on_its_line(lines):
    log, written = lines
    try:
        raise ValueError("token is hf_abcdefghijklmnop")
    except ValueError:
        log.exception("it failed")
    (line,) = written()
    assert "ValueError" in line["exception"]
    assert "hf_abcdef" not in line["exception"]


@pytest.mark.parametrize("key", ["api_key", "MINIO_SECRET_KEY", "authorization", "hf_token", "password"])
def test_fields_named_like_secrets_are_hidden(lines, key):
    log, written = lines
    log.info("set", extra=fields(**{key: "swordfish"}))
    assert written()[0][key] == "***"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def-ghi",
        "http://user:swordfish@host/",
        "key sk-proj-abcdefghijklmnop",
        "https://host/x?X-Amz-Signature=0123abcd&a=b",
    ],
)
def test_what_looks_like_a_credential_is_hidden(text):
    shown = without_secrets(text)
    assert "***" in shown
    assert not any(secret in shown for secret in ("abc.def", "swordfish", "abcdefghijklmnop", "0123abcd"))


@pytest.mark.parametrize("text", ["http://127.0.0.1:50051/x", "sk-short", "bearer", "task-abcdefghijklmnop"])
def test_ordinary_text_is_left_alone(text):
    assert without_secrets(text) == text


def test_what_is_no_json_is_written_as_text(lines):
    log, written = lines
    log.info("x", extra=fields(path=io, number=float("1.5")))
    assert "module" in written()[0]["path"]
