"""What a process asks of its machine."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from salient.devices import cores
from tests.fixtures.commands import ROOT


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone")
def test_freed_memory_is_kept():
    """Taken again, large blocks cost no more page faults."""
    program = """
import resource, sys
import numpy as np
from salient.devices import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.empty(8_000_000).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

plain = faults()
assert keep_freed_memory()
faults()
print(plain, faults())
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    plain, kept = map(int, done.stdout.split())
    assert kept < plain / 10


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has control groups")
@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/a/b\n", {"a/cpu.max": "150000 100000\n", "a/b/cpu.max": "max 100000\n"}, 2),
        ("0::/a/b\n", {"a/cpu.max": "max 100000\n"}, 16),
        ("0::/gone\n", {"cpu.max": "50000 100000\n"}, 1),
        (
            "4:memory:/a\n3:cpu,cpuacct:/a\n0::/\n",
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "300000", "cpu,cpuacct/a/cpu.cfs_period_us": "1e5"},
            3,
        ),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 16),
        ("", {}, 16),
    ],
)
def test_a_containers_quota_of_cores_is_respected(tmp_path, monkeypatch, groups, files, expected):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)))
    written = {"proc/self/cgroup": groups} | {f"sys/fs/cgroup/{k}": v for k, v in files.items()}
    for name, content in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert cores(tmp_path) == expected
