"""What the system says of memory and GPUs."""

import pytest

from postcards_cli.doctor.device import Gpu, Torch, gpu_number, host_memory, nvidia_gpus, torch_here

GIGABYTE = 1024**3
MEMINFO = f"MemTotal: {64 * 1024**2} kB\nMemFree: 5 kB\nMemAvailable:  {32 * 1024**2} kB\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text(MEMINFO)
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    return tmp_path


def test_the_memory_of_the_machine(root):
    memory = host_memory(root)
    assert (memory.free, memory.total) == (32 * GIGABYTE, 64 * GIGABYTE)


def test_the_memory_of_a_container(root):
    (root / "sys/fs/cgroup/memory.max").write_text(f"{8 * GIGABYTE}\n")
    (root / "sys/fs/cgroup/memory.current").write_text(f"{3 * GIGABYTE}\n")
    memory = host_memory(root)
    assert (memory.free, memory.total) == (5 * GIGABYTE, 8 * GIGABYTE)
    (root / "sys/fs/cgroup/memory.max").write_text("max\n")
    assert host_memory(root).total == 64 * GIGABYTE


@pytest.mark.parametrize("text", ["", "MemTotal: many kB", "MemTotal"])
def test_a_system_that_does_not_say(root, text):
    (root / "proc" / "meminfo").write_text(text)
    assert host_memory(root) is None


def test_gpus_that_the_driver_knows(root):
    assert nvidia_gpus(root) == 0
    (root / "proc/driver/nvidia/gpus/0000:01:00.0").mkdir(parents=True)
    assert nvidia_gpus(root) == 1


@pytest.mark.parametrize(
    ("wanted", "gpus", "number"),
    [("auto", 1, 0), ("auto", 0, None), ("cuda", 0, 0), ("cuda:3", 1, 3), ("cpu", 1, None)],
)
def test_which_gpu_is_meant(wanted, gpus, number):
    assert gpu_number(wanted, Torch(gpus=(Gpu("a", 1, 1),) * gpus)) == number


def test_the_real_torch():
    torch = pytest.importorskip("torch", reason="make setup-models brings it")
    told = torch_here()
    assert told.fault == ""
    assert told.version == torch.__version__
    assert len(told.gpus) == (torch.cuda.device_count() if torch.cuda.is_available() else 0)
