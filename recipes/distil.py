"""Train a network on a teacher's maps of photographs and on labelled pairs.

    torchrun --standalone --nproc-per-node 2 -m recipes.distil best OUTPUT.safetensors

The bundled `best` is the second of two such runs (recipes/best.sh; docs/log.md, 2026-11-28).

Needs `data/DUTS-TR`, `data/photos` and `data/photos-maps`, which `mix_maps.py` writes. It runs on a
CPU in bf16, with one thread for each process, and trains networks with EfficientNet encoders.

The run ends after `--minutes`. The learning rate follows the clock, so on a busy machine the run
has fewer steps but still ends at the lowest rate. Every ten minutes it writes the averaged weights,
and next to them its state, from which `--resume` continues.

The method is distillation on other pictures (Beyer 2021, "A good teacher is patient and
consistent"). The stem and the first two stages of the encoder do not change, its normalisation
layers keep their statistics, and its other layers learn at a fifth of the rate.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from timm.layers import DropPath
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from recipes.distil_pictures import SIDE, Mixture
from salient.data.sets import PairSet
from salient.data.soft import SoftSet
from salient.data.splits import split_pairs
from salient.files import write_whole
from salient.model.base import Network
from salient.training.losses import SaliencyLoss, Term, structure_term
from salient.weights.find import find_checkpoint
from salient.weights.store import load_network, save_network

SIZES = (256, 288, 320, 320)  # one is drawn for each step
KEEP_EVERY = 600  # seconds
FROZEN = tuple(f"encoder.body.{part}" for part in ("conv_stem", "bn1", "blocks.0", "blocks.1"))
DROP_PATH = 0.1
RATE, ENCODER_RATIO, WEIGHT_DECAY, CLIP = 4e-4, 0.2, 0.01, 0.5
WARM_UP = 0.03  # share of the time
AVERAGE = 0.995  # decay of the moving average, a step


def prepare(network: Network) -> list[dict[str, Any]]:
    """Freeze layers, add DropPath to the encoder, and group the parameters by their rates."""
    encoder = network.get_submodule("encoder")
    blocks = [block for stage in encoder.get_submodule("body.blocks") for block in stage]  # type: ignore[attr-defined]
    for depth, block in enumerate(blocks):
        if getattr(block, "has_skip", False):
            block.drop_path = DropPath(DROP_PATH * depth / len(blocks))
    network.train()
    for module in encoder.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
    for name in FROZEN:
        network.get_submodule(name).requires_grad_(False).eval()
    inside = {id(parameter) for parameter in encoder.parameters()}
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            key = (id(parameter) in inside, parameter.ndim > 1)
            groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "ratio": ENCODER_RATIO if in_encoder else 1.0,
            "weight_decay": WEIGHT_DECAY if is_matrix else 0.0,
        }
        for (in_encoder, is_matrix), parameters in groups.items()
    ]


def rate_at(progress: float) -> float:
    """Share of the full rate: a linear rise, then half a cosine. `progress` is in [0, 1]."""
    if progress < WARM_UP:
        return max(progress / WARM_UP, 1e-3)
    return max(0.5 * (1 + float(np.cos(np.pi * (progress - WARM_UP) / (1 - WARM_UP)))), 1e-3)


class Run(NamedTuple):
    """A network, its optimiser, and the averaged weights that are published."""

    network: Network
    optimizer: torch.optim.Optimizer
    average: dict[str, Tensor]


def keep(run: Run, step: int, spent: float, output: Path, facts: dict[str, Any]) -> None:
    """Write the averaged weights, and next to them the state to resume from."""
    now = {key: value.clone() for key, value in run.network.state_dict().items()}
    state = {"network": now, "optimizer": run.optimizer.state_dict(), "average": run.average}
    content = BytesIO()
    torch.save(state | {"step": step, "spent": spent}, content)
    write_whole(output.with_suffix(".state.pt"), content.getvalue())
    run.network.load_state_dict(now | run.average)
    hours = {"hours": round(spent / 3600, 2), "steps": step}
    save_network(run.network, output, facts | hours | {"name": output.stem})
    run.network.load_state_dict(now)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("start", help="the network to begin with: best, fast or a checkpoint")
    parser.add_argument("output", type=Path, help="the safetensors file to write")
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--batch", type=int, default=16, help="pictures a step and process")
    parser.add_argument("--rate", type=float, default=RATE, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--data-root", default="data")
    parser.add_argument("--resume", type=Path, help="the .state.pt of a run to continue")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    torch.manual_seed(asked.seed + rank)
    duts = PairSet(
        "DUTS-TR", root="DUTS-TR", layouts=[("DUTS-TR/DUTS-TR-Image", "DUTS-TR/DUTS-TR-Mask")]
    )
    pairs, _ = split_pairs(duts.pairs(asked.data_root), 0.05)
    photos = SoftSet("photos", layouts=[("photos", "photos-maps")], root="photos")
    network = load_network(find_checkpoint(asked.start, key="start"))
    optimizer = torch.optim.AdamW(prepare(network), lr=RATE)
    floats = {k: v for k, v in network.state_dict().items() if v.is_floating_point()}
    run = Run(network, optimizer, {k: v.detach().clone() for k, v in floats.items()})
    step, spent = 0, 0.0
    if asked.resume:
        state = torch.load(asked.resume, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        run.average.update(state["average"])
        step, spent = state["step"], state["spent"]
    mixture = Mixture(pairs, photos.pairs(asked.data_root), f"{asked.seed}/{rank}/{step}")
    batches = iter(DataLoader(mixture, asked.batch, num_workers=1, prefetch_factor=3))
    facts = {"pairs": len(pairs), "photos": len(mixture.photos), "seed": asked.seed}
    _fit(run, batches, asked, step, spent, facts)
    distributed.destroy_process_group()


def _fit(
    run: Run,
    batches: Iterator[list[Tensor]],
    asked: argparse.Namespace,
    step: int,
    spent: float,
    facts: dict[str, Any],
) -> None:
    network, (rank, world) = run.network, (distributed.get_rank(), distributed.get_world_size())
    model = nn.parallel.DistributedDataParallel(network)
    loss = SaliencyLoss(terms={"structure": Term(structure_term, 1)})
    begun = kept = time.time()
    begun -= spent
    clock, seen = torch.zeros(1, dtype=torch.float64), 0
    while True:
        clock[0] = time.time() - begun
        distributed.broadcast(clock, 0)
        spent = clock.item()
        progress = spent / (60 * asked.minutes)
        if progress >= 1:
            break
        for group in run.optimizer.param_groups:
            group["lr"] = asked.rate * group["ratio"] * rate_at(progress)
        images, labels = next(batches)
        size = random.Random(f"{asked.seed}/{step}").choice(SIZES)
        total = _step(model, run, loss, images, labels, size)
        step, seen = step + 1, seen + len(images) * world
        decay, current = min(AVERAGE, (1 + step) / (10 + step)), network.state_dict()
        for key, value in run.average.items():
            value.lerp_(current[key], 1 - decay)
        if rank == 0 and step % 20 == 0:
            speed = seen / (time.time() - begun) if not asked.resume else float("nan")
            print(f"step {step}, {progress:.1%}, loss {total.item():.3f}, {speed:.1f} images/s")
        if rank == 0 and time.time() - kept > KEEP_EVERY:
            keep(run, step, spent, asked.output, facts)
            kept = time.time()
    if rank == 0:
        keep(run, step, spent, asked.output, facts)


def _step(
    model: nn.Module, run: Run, loss: SaliencyLoss, images: Tensor, labels: Tensor, size: int
) -> Tensor:
    """One step of the optimiser at a size; returns the loss."""
    images = run.network.normalize(images)
    if size != SIDE:
        images, labels = (
            F.interpolate(x, (size, size), mode="bilinear", antialias=True)
            for x in (images, labels)
        )
    with torch.autocast("cpu", torch.bfloat16):
        outputs = model(images)
    total = loss(outputs, (labels > 0.5).float(), labels, maps=run.network.maps).total
    run.optimizer.zero_grad(set_to_none=True)
    total.backward()
    nn.utils.clip_grad_norm_(run.network.parameters(), CLIP)
    run.optimizer.step()
    return total


if __name__ == "__main__":
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    main()
