"""A cluster of two Ray nodes on this machine, one of which is killed half-way.

    python -m benchmarks.cluster FOLDER [--checkpoint fast] [--engine auto] [--json FILE]

FOLDER has pictures. They are detected by Ray on two nodes with a worker each, and by one process
with two threads. The lines have pictures a second from the first map to the loss of a node and
after it, the memory of the process that drives Ray after each tenth, and how many maps of the one
process have the SHA-256 of Ray's.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.conditions import Line, show

NODE = {"num_cpus": 2, "resources": {"worker": 1}, "object_store_memory": 300_000_000}


def table(folder: Path, options: dict[str, Any]) -> Iterator[Line]:
    """The lines, as they are measured."""
    import ray
    from ray.cluster_utils import Cluster

    from salient.scale.ray import Pool, predict

    files = sorted(path for path in folder.iterdir() if path.is_file())
    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    second = cluster.add_node(**NODE)
    ray.init(address=cluster.address, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = ray.data.read_binary_files([str(file) for file in files], include_paths=True)
    pool = Pool(concurrency=(1, 2), more={"resources": {"worker": 1}})
    hashes, memory, times = dict[str, str](), list[float](), list[float]()
    start = time.perf_counter()
    for row in predict(rows, pool, **options).iter_rows():
        hashes[row["path"]] = sha256(row["map"])
        times.append(time.perf_counter() - start)
        if len(times) == len(files) // 2:
            cluster.remove_node(second, allow_graceful=False)
        if len(times) % max(1, len(files) // 10) == 0:
            memory.append(resident_memory())
    ray.shutdown()
    cluster.shutdown()
    half = len(files) // 2
    rates = [(half - 1) / (times[half - 1] - times[0]), half / (times[-1] - times[half - 1])]
    yield (
        f"Ray: {len(times)} rows, {len(hashes)} maps; the first after {times[0]:.0f} s; "
        f"{rates[0]:.1f} pictures a second on two nodes, then {rates[1]:.1f} on one",
        {"what": "ray", "rows": len(times), "maps": len(hashes), "rates": rates},
    )
    text = ", ".join(f"{value:.0f}" for value in memory)
    yield f"MiB of the driver, after each tenth: {text}", {"memory": memory}
    yield one_process(files, hashes, options)


def one_process(files: list[Path], hashes: dict[str, str], options: dict[str, Any]) -> Line:
    """The line of one process of two threads, compared with Ray's maps."""
    from salient.scale.rows import RowDetector

    detect, equal = RowDetector(threads=2, **options), 0
    start, before = time.perf_counter(), time.process_time()
    for at in range(0, len(files), 64):
        part = files[at : at + 64]
        made = detect(file.read_bytes() for file in part)
        pairs = zip(part, made)
        equal += sum(hashes.get(str(file)) == sha256(one.content) for file, one in pairs)
    rate = len(files) / (time.perf_counter() - start)
    cost = 1000 * (time.process_time() - before) / len(files)
    return (
        f"one process: {rate:.1f} pictures a second, {cost:.1f} ms of a core for each; {equal} "
        f"of {len(files)} maps are those of Ray",
        {"what": "process", "rate": rate, "cost": cost, "equal": equal},
    )


def sha256(content: bytes | None) -> str:
    """The hash of a map."""
    return hashlib.sha256(content or b"").hexdigest()


def resident_memory() -> float:
    """The resident size of this process, MiB; Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("folder", type=Path)
    parser.add_argument("--checkpoint", default="fast")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--json")
    given = parser.parse_args()
    os.environ.setdefault("RAY_worker_niceness", "0")  # 15 by default, which is unfair here
    options = {"checkpoint": given.checkpoint, "engine": given.engine, "device": "cpu"}
    show(table(given.folder.resolve(), options), given.json)


if __name__ == "__main__":
    main()
