"""Time the training step and the loader on this machine.

    python -m benchmarks.training [--batch N] [--size N] [--steps N] [--checkpoint FILE]
        [--images DIR --masks DIR] [--cache SIDE] [--compile]

In one run: images a second and peak memory of the training step (forward, loss, backward, clipping,
optimiser) for the plain eager network, with contiguous memory and an optimiser that loops over the
weights, and for ours, channels-last and fused, compiled on a GPU; on a GPU both under bf16
autocast. Then the share of the hardware's limit that ours reaches, where the limit is the rate of a
large matrix product of the same type measured here, and the loader's rate alone by workers. The
network is the full one, or a checkpoint's; the loader reads the embedded sample, or `--images`, and
with `--cache` their copies of that side too.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from salient.data.sets import PairSet
from salient.devices import cores as usable_cores
from salient.devices import pick_device
from salient.model.encoder import Encoder
from salient.model.network import SaliencyNetwork
from salient.sample.embedded import SampleSet
from salient.training.datamodule import PairsDataModule
from salient.weights.store import load_network
from tests.fixtures import runs

CLIP = 0.5
Step = Callable[[], None]


def make_step(network: SaliencyNetwork, images: Tensor, masks: Tensor, ours: bool) -> Step:
    """A training step on one batch: images uint8 B,3,S,S and masks B,1,S,S in {0, 1}."""
    layout = torch.channels_last if ours else torch.contiguous_format
    network = network.train().to(memory_format=layout)
    images = images.contiguous(memory_format=layout)
    parameters = list(network.parameters())
    extra = {"fused": True} if ours else {"foreach": False}
    optimizer = torch.optim.SGD(parameters, 1e-3, 0.9, nesterov=True, weight_decay=5e-4, **extra)  # type: ignore[arg-type]
    loss, device = runs.loss(), images.device.type

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            outputs = network((images.float() / 255 - network.mean) / network.std)
            total = loss(outputs.saliency, outputs.edge, masks).total
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()

    return step


def time_steps(step: Step, steps: int, device: torch.device) -> tuple[float, str]:
    """Seconds a step, the first three left out, and the peak memory on a GPU."""
    for _ in range(3):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    if device.type != "cuda":
        return (time.perf_counter() - start) / steps, "not measured on a CPU"
    torch.cuda.synchronize()
    seconds = (time.perf_counter() - start) / steps
    return seconds, f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"


def limit(device: torch.device) -> float:
    """Floating-point operations a second of a square matrix product, in the type of training."""
    size, dtype = (8192, torch.bfloat16) if device.type == "cuda" else (2048, torch.float32)
    a = torch.randn(size, size, device=device, dtype=dtype)

    def multiply() -> None:
        torch.mm(a, a)

    return 2 * size**3 / time_steps(multiply, 10, device)[0]


def time_loader(data: PairsDataModule, workers: int, images: int) -> float:
    """Images a second that the training loader alone delivers, its start left out."""
    data.workers = workers
    loader = data.train_dataloader()
    delivered, epoch, start = 0, 0, 0.0
    while delivered < images:
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            if start:
                delivered += len(batch.images)
            start = start or time.perf_counter()
        epoch += 1
    return delivered / (time.perf_counter() - start)


def lines(options: argparse.Namespace, folder: str) -> Iterator[str]:
    """The table, line by line as it is measured."""
    device = pick_device(options.device)
    torch.manual_seed(0)
    shape = (options.batch, 3, options.size, options.size)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
    masks = (torch.rand(shape[0], 1, *shape[2:], device=device) > 0.7).float()
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{os.cpu_count()} CPU cores"
    yield f"training step, batch {options.batch} at {options.size} px, on {name}"
    seconds = {}
    for label, ours in (("plain eager", False), ("ours", True)):
        if options.checkpoint:
            network = load_network(options.checkpoint, device)
        else:
            network = SaliencyNetwork(Encoder("res2net50d")).to(device)
        if ours and (options.compile or device.type == "cuda"):
            network.compile()
            label += ", compiled"
        step = make_step(network, images, masks, ours)
        seconds[ours], memory = time_steps(step, options.steps, device)
        yield f"  {label:<20}{options.batch / seconds[ours]:9.1f} images/s   memory {memory}"
        if not ours:
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                network(images.float())
            # Backward is twice forward; PyTorch counts that of grouped convolutions too high.
            work = 3 * counter.get_total_flops()
        del network, step
    yield f"  ratio {seconds[False] / seconds[True]:.2f}"
    peak = limit(device)
    reached = work / seconds[True] / peak
    yield f"  {work / 1e12:.2f} TFLOP a step; a matrix product reaches {peak / 1e12:.1f} TFLOP/s;"
    yield f"  ours reaches {reached:.0%} of that"
    pair_set = PairSet("folder", images=options.images, masks=options.masks)
    if options.images is None:
        pair_set = SampleSet("sample", root="sample/train")
    cores = usable_cores()
    for cache in sorted({0, options.cache}):
        module = runs.datamodule(
            Path(folder),
            pair_set,
            size=options.size,
            batch_size=min(options.batch, 32),
            cache=cache or None,
        )
        module.setup()
        source = f"its cache at {cache} px" if cache else "its files"
        yield f"loader alone, {module.title}, {options.size} px, from {source}"
        for workers in sorted({1, 2, cores // 2, cores} - {0}):
            rate = time_loader(module, workers, options.loader_images)
            yield f"  {workers:>3} workers {rate:9.1f} images/s"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=352)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true", help="compile on a CPU too")
    parser.add_argument("--checkpoint", help="time this network, in place of the full one")
    parser.add_argument("--images", help="pictures for the loader, with --masks")
    parser.add_argument("--masks")
    parser.add_argument("--cache", type=int, default=0, help="time the loader on copies too")
    parser.add_argument("--loader-images", type=int, default=500, help="to time the loader with")
    options = parser.parse_args()
    if options.batch < 2 or options.steps < 1:
        parser.error("--batch takes 2 or more, --steps 1 or more")
    if (options.images is None) != (options.masks is None):
        parser.error("--images and --masks go together")
    with tempfile.TemporaryDirectory() as folder:
        for line in lines(options, folder):
            print(line, flush=True)


if __name__ == "__main__":
    main()
