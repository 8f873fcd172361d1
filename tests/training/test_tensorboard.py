"""What a run leaves in TensorBoard, read from its event files."""

from __future__ import annotations

import time
from io import BytesIO
from itertools import pairwise
from mmap import mmap
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from salient.detection.by_torch import TorchEngine
from salient.metrics import score_pair
from salient.scoring.sources import from_network
from salient.training.watch import GIB, Watch, process_memory
from tests.fixtures.runs import datamodule, task, trainer


def events_of(folder):
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    events.Reload()
    return events


@pytest.fixture(scope="module")
def fitted(sample_root, tmp_path_factory):
    """Two epochs of five steps, a clipping limit that some steps pass; the module, its events."""
    from tests.fixtures.networks import small_network

    folder = tmp_path_factory.mktemp("board")
    module, data = task(small_network()), datamodule(sample_root)
    fit = trainer(folder, panel_rows=3, log_every_n_steps=10, gradient_clip_val=0.5)
    fit.fit(module, data)
    module.network.eval()
    return module, data, events_of(folder)


def values(events, tag):
    return [line.value for line in events.Scalars(tag)]


def test_scalars_of_training_validation_and_the_machine(fitted):
    *_, events = fitted
    tags = set(events.Tags()["scalars"])
    assert {"train/loss", "train/loss_edge", "val/loss_area", "val/mae", "val/weighted_f"} <= tags
    assert {"train/gradient_norm", "train/images_per_second", "train/clipped"} <= tags
    assert all(value > 0 for value in values(events, "train/gradient_norm"))
    assert "curves" in events.Tags()["images"]


def test_a_short_run_has_curves_of_losses_and_rates(fitted):
    *_, events = fitted
    steps = [line.step for line in events.Scalars("train/loss")]
    assert steps == list(range(10))  # at log_every_n_steps=10 there would be one
    (rate,) = {t for t in events.Tags()["scalars"] if t.startswith("lr-") and "decoder" in t and
               "norms" not in t}  # fmt: skip
    rates = values(events, rate)
    assert len(rates) == 10 and 0.04 < max(rates) < 0.05 and rates[-1] < 0.01


@pytest.mark.parametrize(("steps", "every"), [(5, 1), (120, 2), (499, 9), (500, 10), (90000, 10)])
def test_the_interval_shrinks_only_in_short_runs(steps, every):
    fit = SimpleNamespace(estimated_stepping_batches=steps, log_every_n_steps=10)
    Watch().on_fit_start(fit, None)
    assert fit.log_every_n_steps == every


def test_the_number_of_the_epoch_is_not_in_the_front_row(fitted):
    *_, events = fitted
    tags = events.Tags()["scalars"]
    assert "epoch" not in tags and set(values(events, "system/epoch")) == {0.0, 1.0}
    assert not [tag for tag in tags if "/" not in tag and not tag.startswith("lr-")]


def test_the_share_of_clipped_steps_is_that_of_their_norms(fitted):
    *_, events = fitted
    norms = values(events, "train/gradient_norm")
    assert values(events, "train/clipped") == [float(norm > 0.5) for norm in norms]


@pytest.mark.parametrize(("limit", "clipped"), [(1e-9, 1.0), (10**20, 0.0)])
def test_clipped_steps_are_counted_between_lines(
    small_network, sample_root, tmp_path, limit, clipped
):
    fit = trainer(
        tmp_path, max_epochs=1, limit_train_batches=4, limit_val_batches=0, gradient_clip_val=limit
    )
    (watch,) = [callback for callback in fit.callbacks if isinstance(callback, Watch)]
    watch.on_fit_start = lambda fit, _: setattr(fit, "log_every_n_steps", 2)
    seen = []
    take = watch.on_before_optimizer_step
    watch.on_before_optimizer_step = lambda *all: (take(*all), seen.append(watch.since.steps))
    fit.fit(task(small_network()), datamodule(sample_root))
    assert values(events_of(tmp_path), "train/clipped") == [clipped, clipped]
    assert seen == [1, 2, 1, 2]


def test_waiting_for_data_is_told_from_computing(small_network, sample_root, tmp_path):
    shares = {}
    for pause in (0.0, 1.0):
        data = datamodule(sample_root)
        data.setup()
        loader = data.train_dataloader()
        collate = loader.collate_fn
        loader.collate_fn = lambda samples, c=collate, p=pause: (time.sleep(p), c(samples))[1]
        data.train_dataloader = lambda loader=loader: loader
        folder = tmp_path / str(pause)
        fit = trainer(folder, max_epochs=1, limit_train_batches=3, limit_val_batches=0)
        fit.fit(task(small_network()), data)
        shares[pause] = np.mean(values(events_of(folder), "system/waiting_for_data"))
    assert 0 < shares[0.0] < shares[1.0] < 1 and shares[1.0] > 0.5


def test_memory_is_this_process_own(fitted):
    *_, events = fitted
    before = process_memory()
    with mmap(-1, GIB // 8) as block:  # of the system: kept memory might be taken again
        for page in range(0, len(block), 4096):
            block[page] = 1
        assert process_memory() - before > 0.9 * (GIB // 8)
    assert all(0.1 < value < 64 for value in values(events, "system/memory_gib"))


def panels(events):
    found = {}
    for tag in events.Tags()["images"]:
        if "truth" in tag:
            images = events.Images(tag)
            found[tag.split("/")[1].split(":")[0]] = [
                np.asarray(Image.open(BytesIO(image.encoded_image_string))) for image in images
            ]
    return found


def test_the_first_pictures_and_the_worst_have_their_panels(fitted):
    module, data, events = fitted
    shown = panels(events)
    assert shown.keys() == {"first", "worst"}
    for images in shown.values():
        assert len(images) == 2 and images[0].shape == (3 * 64, 4 * 64, 3)
    for one, next_one in pairwise(shown["first"]):  # the same pictures and truths, other maps
        assert np.array_equal(one[:, :128], next_one[:, :128])
        assert not np.array_equal(one[:, 128:192], next_one[:, 128:192])
    errors = {}
    for name, load in from_network(TorchEngine(module.network), data.validation_pairs):
        saliency, mask = load()
        errors[name] = score_pair(saliency, mask).figures["mae"]
    worst = sorted(errors, key=lambda name: -errors[name])[:3]
    tensor = events.Tensors("worst/text_summary")[-1].tensor_proto.string_val[0].decode()
    assert [line.split("`")[1] for line in tensor.splitlines()] == worst
    assert f"MAE {errors[worst[0]]:.4f}" in tensor
