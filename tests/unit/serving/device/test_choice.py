"""Which device is chosen and how memory stands there, on machines that are told of by a fake torch; and what a
fault for want of memory looks like."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from out_of_memory import OutOfMemoryError
from postcards_serving.device.choice import Device, available_cores, choose_device, send
from postcards_serving.device.memory import (
    bound_host_memory,
    free_host_memory,
    free_memory,
    give_back_cached,
    is_out_of_memory,
    watch_peak,
)
from postcards_serving.errors import EngineFailed, InvalidField, ModelUnusable, OutOfMemory, ServiceError


class Cuda:
    """Some CUDA devices of one generation."""

    def __init__(self, count: int, generation: int = 9) -> None:
        self.count = count
        self.generation = generation
        self.taken = 100
        self.most = 100
        self.emptied = 0

    def is_available(self) -> bool:
        return self.count > 0

    def device_count(self) -> int:
        return self.count

    def get_device_name(self, name: str) -> str:
        return f"NVIDIA Fake {name[-1]}"

    def get_device_capability(self, name: str) -> tuple[int, int]:
        assert name.startswith("cuda:")
        return (self.generation, 0)

    def mem_get_info(self, name: str) -> tuple[int, int]:
        assert name.startswith("cuda:")
        return (1_000, 4_000)

    def synchronize(self, name: str) -> None:
        assert name.startswith("cuda:")

    def reset_peak_memory_stats(self, name: str) -> None:
        assert name.startswith("cuda:")
        self.most = self.taken

    def memory_allocated(self, name: str) -> int:
        assert name.startswith("cuda:")
        return self.taken

    def max_memory_allocated(self, name: str) -> int:
        assert name.startswith("cuda:")
        return self.most

    def empty_cache(self) -> None:
        self.emptied += 1


@pytest.fixture
def machine(monkeypatch):
    """A machine with these devices."""

    def build(*, cuda: int = 0, generation: int = 9, mps: bool = False, cudnn: int | None = 91002) -> SimpleNamespace:
        torch = SimpleNamespace(
            cuda=Cuda(cuda, generation),
            backends=SimpleNamespace(
                mps=SimpleNamespace(is_available=lambda: mps), cudnn=SimpleNamespace(version=lambda: cudnn)
            ),
            version=SimpleNamespace(cuda="12.8"),
            mps=SimpleNamespace(
                recommended_max_memory=lambda: 900, driver_allocated_memory=lambda: 300, empty_cache=lambda: None
            ),
        )
        monkeypatch.setitem(sys.modules, "torch", torch)
        return torch

    return build


def cuda_name(number: int, generation: int = 9) -> str:
    """What is told of a device."""
    told = f"compute capability {generation}.0, CUDA 12.8, cuDNN 9.10.2"
    return f"cuda:{number} NVIDIA Fake {number} ({told})"


@pytest.mark.parametrize(
    ("devices", "asked", "chosen"),
    [
        ({"cuda": 2, "mps": True}, {}, Device("cuda:0", "float16", cuda_name(0))),
        ({"cuda": 2}, {"prefer": "bfloat16"}, Device("cuda:0", "bfloat16", cuda_name(0))),
        ({"cuda": 1, "generation": 7}, {"prefer": "bfloat16"}, Device("cuda:0", "float16", cuda_name(0, 7))),
        ({"cuda": 1}, {"prefer": "float32"}, Device("cuda:0", "float32", cuda_name(0))),
        ({"cuda": 2}, {"device": "cuda:1"}, Device("cuda:1", "float16", cuda_name(1))),
        ({"cuda": 1}, {"device": "cuda", "dtype": "float32"}, Device("cuda:0", "float32", cuda_name(0))),
        ({"cuda": 1}, {"device": "cpu"}, Device("cpu", "float32", "cpu")),
        ({"mps": True}, {}, Device("mps", "float32", "mps")),
        ({"mps": True}, {"dtype": "float16"}, Device("mps", "float16", "mps")),
        ({}, {}, Device("cpu", "float32", "cpu")),
        ({}, {"dtype": "bfloat16"}, Device("cpu", "bfloat16", "cpu")),
    ],
)
def test_the_best_device_is_chosen_unless_another_is_named(machine, devices, asked, chosen):
    machine(**devices)
    assert choose_device(**asked) == chosen
    assert chosen.kind == chosen.name.split(":")[0]


@pytest.mark.parametrize(("number", "said"), [(91002, ", cuDNN 9.10.2"), (8902, ", cuDNN 8.9.2"), (None, "")])
def test_the_libraries_of_a_device_are_told(machine, number, said):
    machine(cuda=1, cudnn=number)
    assert choose_device().description == f"cuda:0 NVIDIA Fake 0 (compute capability 9.0, CUDA 12.8{said})"


def test_tensors_are_sent_to_cuda_without_waiting():
    done: list[object] = []
    tensor = SimpleNamespace(
        pin_memory=lambda: SimpleNamespace(to=lambda *place, **how: done.append(("pinned", place, how))),
        to=lambda *place, **how: done.append(("usual", place, how)),
    )
    send(tensor, "cuda:1")
    send(tensor, "mps")
    assert done == [("pinned", ("cuda:1",), {"non_blocking": True}), ("usual", ("mps",), {})]
    torch = pytest.importorskip("torch", reason="make setup-models brings it")
    values = torch.ones(3)
    assert send(values, "cpu") is values


@pytest.mark.parametrize(
    ("devices", "asked", "words"),
    [
        ({}, {"device": "cuda"}, "there is no device cuda:0 here (0 of that kind): choose auto or cpu"),
        ({"cuda": 2}, {"device": "cuda:2"}, "there is no device cuda:2 here (2 of that kind)"),
        ({}, {"device": "mps"}, "there is no mps device here"),
        ({}, {"device": "tpu"}, "the device must be auto, cpu, cuda, cuda:N or mps, not 'tpu'"),
        ({}, {"device": "cuda:x"}, "not 'cuda:x'"),
        ({}, {"dtype": "int8"}, "the dtype must be auto, float32, float16, bfloat16, not 'int8'"),
    ],
)
def test_a_device_that_is_not_there_is_one_sentence(machine, devices, asked, words):
    machine(**devices)
    with pytest.raises(ModelUnusable) as fault:
        choose_device(**asked)
    assert words in fault.value.message
    assert "\n" not in fault.value.message


def test_without_torch_it_says_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelUnusable, match="make setup-models"):
        choose_device()


def test_the_real_torch_is_asked_the_right_questions():
    pytest.importorskip("torch", reason="make setup-models brings it")
    chosen = choose_device("cpu", "float32")
    assert chosen == Device("cpu", "float32", "cpu")
    assert choose_device().name
    with watch_peak(chosen) as peak:
        give_back_cached(chosen)
    assert peak.bytes is None


def test_free_memory_is_what_the_device_says(machine):
    machine(cuda=1)
    assert free_memory(choose_device()) == 1_000
    machine(mps=True)
    assert free_memory(choose_device()) == 600
    machine()
    assert free_memory(choose_device()) > 2**20


def test_a_device_that_does_not_answer_has_unknown_memory(machine):
    torch = machine(cuda=1)
    chosen = choose_device()
    del torch.cuda
    assert free_memory(chosen) is None
    give_back_cached(chosen)


def test_the_peak_of_some_work_is_what_it_took_beyond_what_was_there(machine):
    torch = machine(cuda=1)
    torch.cuda.most = 5_000
    with watch_peak(choose_device()) as peak:
        assert torch.cuda.most == 100
        torch.cuda.most = 750
    assert peak.bytes == 650


def test_memory_that_is_cached_is_given_back(machine):
    torch = machine(cuda=1)
    give_back_cached(choose_device())
    give_back_cached(choose_device("cpu"))
    assert torch.cuda.emptied == 1


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:       3 kB\n"}, 3 * 1024),
        (
            {
                "proc/meminfo": "MemAvailable: 3 kB\n",
                "sys/fs/cgroup/memory.max": "2000\n",
                "sys/fs/cgroup/memory.current": "500\n",
            },
            1_500,
        ),
        (
            {
                "proc/meminfo": "MemAvailable: 3 kB\n",
                "sys/fs/cgroup/memory.max": "max\n",
                "sys/fs/cgroup/memory.current": "500\n",
            },
            3 * 1024,
        ),
        (
            {
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "900\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "1000\n",
            },
            0,
        ),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ({}, None),
    ],
)
def test_the_memory_of_the_machine_is_that_of_the_container_where_it_has_less(tmp_path, files, free):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert free_host_memory(tmp_path) == free


def test_the_memory_of_this_machine_is_known():
    assert 2**20 < free_host_memory() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


BOUND = """
import pathlib, re, sys
import numpy as np
from postcards_serving.device.memory import bound_host_memory, is_out_of_memory

root = pathlib.Path(sys.argv[1])
taken = int(re.search(r"VmData:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) * 1024
(root / "proc").mkdir()
(root / "proc" / "meminfo").write_text(f"MemTotal: {(taken + 400 * 2**20) // 1024} kB")
bound = bound_host_memory(root)
try:
    np.ones(600 * 2**20, np.uint8)
except Exception as fault:
    print(is_out_of_memory(fault), bound - taken > 390 * 2**20, int(np.ones(2**20, np.uint8).sum()))
print(bound_host_memory(root) == bound)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not promise what it has not")
def test_what_the_machine_does_not_have_fails_the_one_who_asks_for_it(tmp_path):
    done = subprocess.run([sys.executable, "-c", BOUND, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", str(2**20), "True"]


def test_without_knowledge_of_the_machine_nothing_is_bound(tmp_path):
    assert bound_host_memory(tmp_path) is None


class AcceleratorError(RuntimeError):
    """Named as PyTorch's, and with the driver's number as its."""

    def __init__(self, said: str, error_code: int) -> None:
        super().__init__(said)
        self.error_code = error_code


OnnxFailed = type("RuntimeException", (Exception,), {"__module__": "onnxruntime.capi.onnxruntime_pybind11_state"})
OnnxInvalid = type("InvalidArgument", (Exception,), {"__module__": "onnxruntime.capi.onnxruntime_pybind11_state"})
"""Named as those of onnxruntime, which nobody can make run out of memory on demand."""


def chained(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    "fault",
    [
        MemoryError(),
        OutOfMemoryError("anything"),
        OutOfMemory(),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("std::bad_alloc"),
        OSError(12, "Cannot allocate memory"),
        chained(EngineFailed("no picture"), MemoryError()),
        AcceleratorError("told by number alone", 2),
        OnnxFailed("bad allocation"),
        ServiceError("RESOURCE_EXHAUSTED", "OUT_OF_MEMORY", "of another process"),
    ],
)
def test_faults_that_less_work_might_avoid(fault):
    assert is_out_of_memory(fault)


@pytest.mark.parametrize(
    "fault",
    [
        ValueError("odd"),
        RuntimeError("CUDA error: device-side assert triggered"),
        KeyboardInterrupt(),
        # Whoever refuses what a request says quotes it.
        InvalidField("sampler", "must be empty, not 'out of memory'"),
        ServiceError("RESOURCE_EXHAUSTED", "STORE_FULL", "not enough memory on the card"),
        EngineFailed("the model says: out of memory"),
        ValueError("no sampler 'out of memory'"),
        KeyError("bad allocation"),
        OSError(2, "no such file", "out of memory.safetensors"),
        OnnxInvalid("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Invalid input name: out of memory"),
        AcceleratorError("CUDA error: out of memory, says the kernel's name", 98),
        # What ours says of itself holds, whatever it was raised from.
        chained(InvalidField("width", "is too large"), MemoryError()),
        chained(ModelUnusable("it cannot be loaded"), RuntimeError("CUDA out of memory")),
    ],
)
def test_other_faults(fault):
    assert not is_out_of_memory(fault)


def test_faults_that_cause_each_other_are_asked_once():
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert not is_out_of_memory(one)


def test_what_tells_faults_for_memory_apart_needs_no_torch():
    asked = "import sys, postcards_serving.device.memory as d; d.is_out_of_memory(ValueError())"
    code = f"{asked}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 64),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, 64),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "5000 100000\n"}, 1),
        ({"cpu.max": "9900000 100000\n"}, 64),
        ({"cpu.max": "200000\n"}, 64),
        ({"cpu.max": "200000 0\n"}, 64),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 64),
    ],
)
def test_a_container_has_the_cores_that_it_is_granted(tmp_path, monkeypatch, files, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    for name, content in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert available_cores(tmp_path) == expected


def test_a_process_has_the_cores_that_it_may_run_on(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 7, 9}, raising=False)
    assert available_cores(tmp_path) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores(tmp_path) == 1
