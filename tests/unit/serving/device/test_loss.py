"""Faults after which a device computes nothing more for the process, and those that look like them."""

import threading

import pytest

from postcards_serving.batching.rows import as_told
from postcards_serving.device.loss import is_device_lost, listening, tell_if_lost
from postcards_serving.device.memory import is_out_of_memory
from postcards_serving.errors import Code, DeviceLost, EngineFailed, InvalidField, ModelUnusable, Unavailable
from postcards_serving.fallback.reload import Reloading
from postcards_serving.testing import eventually

ADVICE = "\nCUDA kernel errors might be asynchronously reported at some other API call."


class AcceleratorError(RuntimeError):
    """Named as PyTorch's, and with the driver's number as its."""

    def __init__(self, said: str, error_code: int | None = None) -> None:
        super().__init__(said)
        self.error_code = error_code


def chained(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    "fault",
    [
        AcceleratorError("CUDA error: an illegal memory access was encountered" + ADVICE),
        AcceleratorError("CUDA error: device-side assert triggered" + ADVICE),
        RuntimeError("CUDA error: unspecified launch failure" + ADVICE),
        RuntimeError("CUDA error: uncorrectable ECC error encountered"),
        RuntimeError("CUDA error: misaligned address"),
        RuntimeError("CUDA error: the launch timed out and was terminated"),
        RuntimeError("CUDA error: unknown error"),
        RuntimeError("CUDA driver error: an illegal instruction was encountered"),
        RuntimeError("Triton Error [CUDA]: an illegal memory access was encountered"),
        RuntimeError("HIP error: unspecified launch failure"),
        DeviceLost(),
        chained(EngineFailed("no picture"), AcceleratorError("CUDA error: misaligned address")),
        AcceleratorError("told by number alone", 700),
        chained(ModelUnusable("the unet cannot be loaded"), RuntimeError("CUDA error: unknown error")),
    ],
)
def test_faults_after_which_only_a_new_process_computes(fault):
    assert is_device_lost(fault)
    assert not is_out_of_memory(fault)


@pytest.mark.parametrize(
    "fault",
    [
        ValueError("an illegal memory access was encountered"),
        RuntimeError("the tokenizer says: device-side assert triggered"),
        AcceleratorError("CUDA error: invalid argument"),
        AcceleratorError("CUDA error: out of memory" + ADVICE),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(...)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED"),
        AcceleratorError("CUDA error: unknown error", 1),
        # Whoever refuses what a request says quotes it.
        InvalidField("sampler", "must be empty, not 'CUDA error: device-side assert triggered'"),
        EngineFailed("CUDA error: device-side assert triggered"),
        ValueError("no sampler 'CUDA error: device-side assert triggered'"),
        MemoryError(),
        Unavailable("the engine is stopping", reason="STOPPING"),
        KeyboardInterrupt(),
    ],
)
def test_faults_of_one_call_are_no_loss(fault):
    assert not is_device_lost(fault)
    with listening(lambda said: pytest.fail(said)):
        assert not tell_if_lost(fault)


def test_faults_that_cause_each_other_are_asked_once():
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert not is_device_lost(one)


def test_who_listens_gets_the_line_that_the_driver_said_from_any_thread_and_nothing_afterwards():
    heard: list[str] = []
    fault = as_told(AcceleratorError("CUDA error: misaligned address" + ADVICE))
    with listening(heard.append):
        teller = threading.Thread(target=tell_if_lost, args=(fault,))
        teller.start()
        teller.join()
    assert tell_if_lost(fault)
    assert heard == ["CUDA error: misaligned address"]


async def test_an_engine_that_is_loaded_later_and_loses_the_device_is_heard_of():
    heard: list[str] = []

    def load() -> None:
        raise AcceleratorError("CUDA error: unspecified launch failure")

    with listening(heard.append):
        reloading = Reloading("lost", load, first_pause=0.001, hand_on=pytest.fail, throw_away=pytest.fail)
        await eventually(lambda: heard)
        reloading.stop()
    assert set(heard) == {"CUDA error: unspecified launch failure"}


def test_a_caller_is_told_when_to_come_again_and_nothing_of_the_device():
    told = as_told(AcceleratorError("CUDA error: misaligned address" + ADVICE))
    assert (told.code, told.reason, told.retry_after) == (Code.UNAVAILABLE, "DEVICE_LOST", 10.0)
    assert "misaligned" not in told.message
    assert as_told(told) is told
