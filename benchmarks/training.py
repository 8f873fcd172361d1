"""Time the training step and the loader on this machine.

    python -m benchmarks.training [--batch N] [--size N] [--steps N] [--checkpoint FILE]
        [--images DIR --masks DIR] [--cache SIDE] [--compile] [--json FILE]

Measures images per second and peak memory of the training step (forward, loss, backward, clipping,
optimiser) in one run:

- plain eager: contiguous memory, and an optimiser that loops over the weights;
- ours: channels-last and fused, on a CPU with freed memory kept;
- on a GPU, ours compiled; everything runs under bf16 autocast;
- on a CPU, ours next to a process that keeps a core busy, and in bf16 if the processor has it.

Then it compares ours (compiled, if it was) with the rate of a large matrix product of the same
type, and measures the loader by itself for several numbers of workers. The network is the full one,
or a checkpoint's. The loader reads the embedded sample, or `--images`, and with `--cache` also
copies of that side.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.conditions import Line, busy_neighbour, peak_memory, show
from salient.data.sets import PairSet
from salient.devices import cores as usable_cores
from salient.devices import keep_freed_memory, pick_device, pick_precision
from salient.model.base import Network
from salient.model.boundary import BoundaryNetwork
from salient.model.encoder import Encoder
from salient.sample.embedded import SampleSet
from salient.training.datamodule import PairsDataModule
from salient.training.losses import SaliencyLoss
from salient.weights.store import load_network

CLIP = 0.5
Step = Callable[[], None]


def make_step(network: Network, images: Tensor, masks: Tensor, ours: bool, half: bool) -> Step:
    """A training step on one batch: images uint8 B,3,S,S and masks B,1,S,S in {0, 1}."""
    layout = torch.channels_last if ours else torch.contiguous_format
    network = network.train().to(memory_format=layout)
    images = images.contiguous(memory_format=layout)
    parameters = list(network.parameters())
    extra = {"fused": True} if ours else {"foreach": False}
    optimizer = torch.optim.SGD(parameters, 1e-3, 0.9, nesterov=True, weight_decay=5e-4, **extra)  # type: ignore[arg-type]
    loss, device = SaliencyLoss(), images.device.type

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=half):
            outputs = network((images.float() / 255 - network.mean) / network.std)
            total = loss(outputs, masks, maps=network.maps).total
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()

    return step


def time_steps(step: Step, steps: int, device: torch.device) -> tuple[float, float]:
    """Seconds per step, without the first three, and the peak memory in GiB."""
    for _ in range(3):
        step()
    finish(device)
    forget_peak(device)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    finish(device)
    return (time.perf_counter() - start) / steps, peak(device)


def finish(device: torch.device) -> None:
    """Wait until a GPU has finished."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def forget_peak(device: torch.device) -> None:
    """Reset `peak`, of a GPU or of a process under Linux."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def peak(device: torch.device) -> float:
    """The peak in GiB; on a CPU the largest resident size of this process, or NaN if unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    if sys.platform != "linux":
        return float("nan")
    return peak_memory() / 2**10


def limit(device: torch.device) -> float:
    """Floating-point operations per second of a square matrix product, in the type of training."""
    size, dtype = (8192, torch.bfloat16) if device.type == "cuda" else (2048, torch.float32)
    a = torch.randn(size, size, device=device, dtype=dtype)

    def multiply() -> None:
        torch.mm(a, a)

    return 2 * size**3 / time_steps(multiply, 10, device)[0]


def time_loader(data: PairsDataModule, workers: int, images: int) -> float:
    """Images per second of the training loader by itself, without its start.

    Measures at least `images`, and several times as many as its workers prepare ahead.
    """
    data.workers = workers
    images = max(images, 8 * workers * data.batch_size)
    data.training_pairs *= -(-images // len(data.training_pairs))  # workers idle between epochs
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


def lines(options: argparse.Namespace, folder: str) -> Iterator[Line]:
    """The table, line by line as it is measured."""
    device = pick_device(options.device)
    yield from step_lines(options, device)
    yield from loader_lines(options, folder)


def step_lines(options: argparse.Namespace, device: torch.device) -> Iterator[Line]:
    """The training step in each variant."""
    torch.manual_seed(0)
    shape = (options.batch, 3, options.size, options.size)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
    masks = (torch.rand(shape[0], 1, *shape[2:], device=device) > 0.7).float()
    gpu = device.type == "cuda"
    name = torch.cuda.get_device_name() if gpu else f"{usable_cores()} CPU cores"
    yield f"training step, batch {options.batch} at {options.size} px, on {name}", {}
    seconds: dict[str, float] = {}

    def line(label: str, step: Step) -> Line:
        seconds[label], memory = time_steps(step, options.steps, device)
        rate, ratio = options.batch / seconds[label], seconds["plain eager"] / seconds[label]
        values = {"step": label, "images/s": rate, "ratio": ratio, "peak GiB": memory}
        return f"  {label:<28}{rate:8.1f} images/s {ratio:6.2f}x   peak {memory:.1f} GiB", values

    def build() -> Network:
        if options.checkpoint:
            return load_network(options.checkpoint, device)
        return BoundaryNetwork(Encoder("res2net50d")).to(device)

    network = build()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(images.float())
    # Backward costs twice forward; PyTorch overestimates it for grouped convolutions.
    work = 3 * counter.get_total_flops()
    yield line("plain eager", make_step(network, images, masks, False, gpu))
    if not gpu:
        keep_freed_memory()  # like `salient train`; cannot be undone
    step = make_step(build(), images, masks, True, gpu)
    yield line("ours", step)
    if not gpu:
        with busy_neighbour():
            yield line("ours with a neighbour", step)
        if pick_precision(device) == torch.bfloat16:
            yield line("ours, bf16", make_step(build(), images, masks, True, True))
    last = "ours"
    del step  # its memory is no part of the next peak
    if gpu or options.compile:
        network, last = build(), "ours, compiled"
        network.compile()
        yield line(last, make_step(network, images, masks, True, gpu))
    top = limit(device)
    reached = work / seconds[last] / top
    yield (
        f"  {work / 1e12:.2f} TFLOP a step; a matrix product reaches {top / 1e12:.1f} TFLOP/s;",
        {},
    )
    values = {"TFLOP": work / 1e12, "matrix TFLOP/s": top / 1e12, "reached": reached}
    yield f"  {last} reaches {reached:.0%} of that", values


def loader_lines(options: argparse.Namespace, folder: str) -> Iterator[Line]:
    """The loader by itself, by number of workers."""
    pair_set = PairSet("folder", images=options.images, masks=options.masks)
    if options.images is None:
        pair_set = SampleSet("sample", root="sample/train")
    cores = usable_cores()
    for cache in sorted({0, options.cache}):
        module = PairsDataModule(
            [pair_set],
            folder,
            size=options.size,
            batch_size=min(options.batch, 32),
            held_out=0.1,
            workers=0,
            cache=cache or None,
        )
        module.setup()
        source = f"its cache at {cache} px" if cache else "its files"
        yield f"only the loader, {module.title}, {options.size} px, from {source}", {}
        for workers in sorted({1, 2, cores // 2, cores} - {0}):
            rate = time_loader(module, workers, options.loader_images)
            values = {"loader": source, "workers": workers, "images/s": rate}
            yield f"  {workers:>3} workers {rate:9.1f} images/s", values


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
    parser.add_argument("--json", help="where all values are kept")
    options = parser.parse_args()
    if options.batch < 2 or options.steps < 1:
        parser.error("--batch takes 2 or more, --steps 1 or more")
    if (options.images is None) != (options.masks is None):
        parser.error("--images and --masks go together")
    with tempfile.TemporaryDirectory() as folder:
        show(lines(options, folder), options.json)


if __name__ == "__main__":
    main()
