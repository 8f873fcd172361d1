"""Time detection against the plain network, in one run.

    python -m benchmarks.detection [--checkpoint FILE] [--size 352] [--batches N]

Images a second of the full network (or a checkpoint's) from a batch of squares to probabilities:
plain, float32 with contiguous memory, and the default path of `Detector` and predict.py, which is
channels-last and, where the processor computes with bf16, in bf16; for batches of 1 and 8.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from salient.devices import pick_device, pick_precision, precision_name
from salient.model.encoder import Encoder
from salient.model.network import SaliencyNetwork
from salient.weights.store import load_network


def plain(network: SaliencyNetwork, images: Tensor) -> Callable[[], Tensor]:
    """Float32, contiguous: images uint8 B,3,H,W -> probability B,1,H,W."""
    network = network.to(memory_format=torch.contiguous_format)

    @torch.inference_mode()
    def run() -> Tensor:
        normalised = (images.float() / 255 - network.mean) / network.std
        return torch.sigmoid(network(normalised).saliency[0]).cpu()

    return run


def rate(run: Callable[[], object], images: int, batches: int) -> float:
    """Images a second, the first batch left out."""
    run()
    start = time.perf_counter()
    for _ in range(batches):
        run()
    return images * batches / (time.perf_counter() - start)


def lines(options: argparse.Namespace) -> Iterator[str]:
    """The table, line by line as it is measured."""
    device = pick_device(options.device)
    precision = pick_precision(device)
    name = precision_name(precision)
    yield f"{'images a second':<18}{'plain fp32':>15}{f'default, {name}':>20}{'ratio':>8}"
    for size in (1, 8):
        images = torch.randint(0, 256, (size, 3, options.size, options.size), dtype=torch.uint8)
        images = images.to(device)
        rates = []
        for default in (False, True):
            network = (
                load_network(options.checkpoint)
                if options.checkpoint
                else SaliencyNetwork(Encoder("res2net50d")).eval()
            ).to(device)
            if default:
                run: Callable[[], object] = partial(network.predict, images, precision)
            else:
                run = plain(network, images)
            rates.append(rate(run, size, options.batches))
        label = f"batch {size}, {options.size} px"
        yield f"{label:<18}{rates[0]:>15.1f}{rates[1]:>20.1f}{rates[1] / rates[0]:>7.1f}x"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint")
    parser.add_argument("--size", type=int, default=352)
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    if options.size < 32 or options.size % 32 or options.batches < 1:
        parser.error("--size takes a multiple of 32, --batches 1 or more")
    for line in lines(options):
        print(line, flush=True)


if __name__ == "__main__":
    main()
