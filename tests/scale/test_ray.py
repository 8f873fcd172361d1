"""Ray Data on two nodes of this machine, one of which is lost half-way."""

from __future__ import annotations

import os

import pytest

from salient.data.sets import find_set
from salient.detection.detector import Detector
from salient.scale.rows import RowDetector, pair_rows
from salient.scoring.score import score_predictions, summarise
from salient.scoring.sources import from_network

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install .[ray]")
OPTIONS = {"checkpoint": "fast", "device": "cpu"}


@pytest.fixture(scope="module")
def cluster():
    """A head and a second node, of one core each."""
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_worker_niceness", "0")  # 15 takes minutes on a busy machine
    limits = {"num_cpus": 1, "object_store_memory": 100_000_000}
    cluster = Cluster(initialize_head=True, head_node_args=limits)
    second = cluster.add_node(**limits)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster, second
    ray.shutdown()
    cluster.shutdown()


def test_scores_are_those_of_one_process_and_maps_survive_a_lost_node(cluster, sample_root):
    from salient.scale.ray import Pool, means, predict, score

    pool = Pool(batch_size=2, num_cpus=0.5)
    pairs = find_set("sample").pairs(sample_root)[:8]
    rows = ray.data.from_items(pair_rows(pairs), override_num_blocks=4)
    scored = score(rows, pool, **OPTIONS).materialize()
    engine = Detector.load("fast", "cpu", "fp32", "torch").engine
    row, lines = summarise("", "", score_predictions(from_network(engine, pairs)), {})
    assert means(scored) == row.figures
    by_name = {one["name"]: one["mae"] for one in scored.iter_rows()}
    assert by_name == {line["name"]: line["mae"] for line in lines}

    contents = {pair.name: pair.image.read_bytes() for pair in pairs} | {"bad": b"no picture"}
    detect = RowDetector("fast", "cpu", threads=1)
    expected = dict(zip(contents, (one.content for one in detect(contents.values()))))
    items = [{"path": name, "bytes": content} for name, content in contents.items()]
    found = {}
    maps = predict(ray.data.from_items(items, override_num_blocks=5), pool, **OPTIONS)
    for one in maps.iter_rows():
        if not found:
            cluster[0].remove_node(cluster[1], allow_graceful=False)
        found[one["path"]] = one["map"]
        assert "bytes" not in one and (one["error"] is None) == (one["path"] != "bad")
    assert found == expected
