"""Train `lite` in 900 seconds on one large GPU; recipes/gpu_900s.sh runs this.

`pack` shrinks the pictures into archives. `decode` turns an archive into arrays, so the first can
be decoded while the second is copied. `train` puts all arrays on the GPU and trains until the time
is up. There is no loader, no Lightning and only one size, so a step is a few CUDA graphs, and the
processor waits for the GPU only every SYNC steps.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recipes.gpu_augment import augment
from recipes.gpu_pack import decode, pack
from salient.data.pairs import Pair
from salient.data.splits import split_pairs
from salient.model.base import Network
from salient.training.losses import SaliencyLoss
from salient.weights.find import find_checkpoint
from salient.weights.store import load_network, save_network

SYNC = 50  # steps between two synchronisations with the GPU
HELD_OUT = 0.05


class Pictures:
    """All pictures on the device, divided into labelled, soft and held-out ones.

    Args:
        folder: the output of `decode`.
        device: where the arrays go: uint8 N,3,S,S and N,1,S,S.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        parts = sorted(folder.glob("*.json"))
        listed = [pair for part in parts for pair in json.loads(part.read_text())]
        stems = [str(part.with_suffix("")) for part in parts]
        self.images = torch.cat([torch.from_numpy(np.load(f"{s}.npy")).to(device) for s in stems])
        self.images = self.images.permute(0, 3, 1, 2)
        labels = [torch.from_numpy(np.load(f"{s}.labels.npy")).to(device) for s in stems]
        self.labels = torch.cat(labels)[:, None]
        pairs = [Pair(name, Path(), Path()) for name, soft in listed if not soft]
        held_out = {pair.name for pair in split_pairs(pairs, HELD_OUT)[1]}
        numbers = range(len(listed))
        self.held_out = [k for k in numbers if not listed[k][1] and listed[k][0] in held_out]
        self.soft = [k for k in numbers if listed[k][1]]
        out = {*self.held_out, *self.soft}
        self.labelled = [k for k in numbers if k not in out]
        if not self.labelled or not self.held_out:
            raise ValueError(f"{folder}: too few labelled pictures to train on and to hold out")

    def batches(self, size: int) -> list[Tensor]:
        """Indices of the batches of a pass over the labelled pictures, with as many soft ones."""
        each = min(size // 2 if self.soft else size, len(self.labelled))
        device = self.images.device
        order = torch.tensor(self.labelled, device=device)
        rows = order[torch.randperm(len(order), device=device)][: len(order) // each * each]
        if not self.soft:
            return list(rows.view(-1, each))
        soft = torch.tensor(self.soft, device=device)
        drawn = soft[torch.randint(len(soft), (len(rows),), device=device)]
        return list(torch.cat([rows.view(-1, each), drawn.view(-1, each)], 1))


class Trainer:
    """A network, its moving average, and the step that trains it.

    Args:
        network: on its device.
        rate: the decoder's peak rate; the encoder's is `ratio` times as high.
        steps: steps of a pass, the half-life of the moving average.
        compiled: use `torch.compile`, with CUDA graphs on a GPU.
    """

    def __init__(
        self, network: Network, rate: float, ratio: float, steps: int, compiled: bool
    ) -> None:
        self.network = network.train().to(memory_format=torch.channels_last)
        self.device = network.mean.device
        encoder = {id(p) for p in network.encoder_parameters()}
        groups: dict[tuple[bool, bool], list[Tensor]] = {}
        for p in network.parameters():
            groups.setdefault((id(p) in encoder, p.ndim > 1), []).append(p)
        self.peaks = [rate * (ratio if of_encoder else 1) for of_encoder, _ in groups]
        settings = [
            {"params": g, "weight_decay": 0.01 * decays} for (_, decays), g in groups.items()
        ]
        self.optimizer = torch.optim.AdamW(settings, fused=self.device.type == "cuda")
        self.loss, self.decay = SaliencyLoss(), 0.5 ** (1 / steps)
        self.average = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self.augment, self.forward = augment, self._forward
        if compiled:
            mode = "reduce-overhead" if self.device.type == "cuda" else "default"
            self.augment = torch.compile(augment, dynamic=False)
            self.forward = torch.compile(self._forward, mode=mode, dynamic=False)

    def _forward(self, images: Tensor, labels: Tensor) -> Tensor:
        masks = (labels > 0.5).float()
        with torch.autocast(self.device.type, torch.bfloat16):
            outputs = self.network((images - self.network.mean) / self.network.std)
        return self.loss(outputs, masks, labels, self.network.maps).total

    def step(self, images: Tensor, labels: Tensor, progress: float) -> Tensor:
        """One step at `progress`, 0..1 of the time: a rise over .05, then a cosine to zero."""
        rise = min(progress / 0.05, 1)
        share = rise if rise < 1 else 0.5 + 0.5 * np.cos(np.pi * (progress - 0.05) / 0.95)
        for group, peak in zip(self.optimizer.param_groups, self.peaks):
            group["lr"] = max(peak * float(share), 1e-8)
        torch.compiler.cudagraph_mark_step_begin()
        loss = self.forward(*self.augment(images, labels))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 0.5, foreach=True)
        self.optimizer.step()
        with torch.no_grad():
            state = self.network.state_dict()
            floats = [k for k, v in self.average.items() if v.is_floating_point()]
            averages, now = [self.average[k] for k in floats], [state[k] for k in floats]
            torch._foreach_lerp_(averages, now, 1 - self.decay)
        return loss.detach().clone()  # the next step overwrites the graph's memory

    def save(self, start: str, path: Path, size: int, about: dict[str, object]) -> None:
        """Write the moving average as a checkpoint for `load_network`."""
        network = load_network(find_checkpoint(start))
        network.load_state_dict(self.average)
        network.set_input(size, "area")
        save_network(network, path, about)


@torch.no_grad()
def validate(trainer: Trainer, pictures: Pictures, batch: int) -> float:
    """The mean error of the moving average on the held-out squares."""
    network = trainer.network
    live = {k: v.detach().clone() for k, v in network.state_dict().items()}
    network.load_state_dict(trainer.average)
    network.eval()
    errors = []
    for index in torch.tensor(pictures.held_out, device=trainer.device).split(batch):
        with torch.autocast(trainer.device.type, torch.bfloat16):
            logit = network(network.normalize(pictures.images[index])).saliency[0]
        errors.append(
            (logit.float().sigmoid() - pictures.labels[index] / 255).abs().mean((1, 2, 3))
        )
    network.load_state_dict(live)
    network.train()
    return float(torch.cat(errors).mean())


def train(asked: argparse.Namespace) -> None:
    """Train until `asked.seconds` after the start of this script, and save several times."""
    begun = time.monotonic() - asked.late
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(asked.seed)
    torch.set_float32_matmul_precision("high")
    pictures = Pictures(asked.folder, device)
    network = load_network(find_checkpoint(asked.start)).to(device)
    steps = max(len(pictures.batches(asked.batch)), 1)
    trainer = Trainer(network, asked.lr, asked.ratio, steps, asked.compile)
    counts = len(pictures.labelled), len(pictures.soft), len(pictures.held_out)
    print("{} labelled, {} soft, {} held out".format(*counts), f"on {device}", flush=True)
    done, first, saved = 0, 0.0, 0.0
    about: dict[str, object] = {"name": asked.output.stem, "pairs": counts[0]}
    while True:
        for index in pictures.batches(asked.batch):
            if done == 3:  # the steps before compiled the network
                first = saved = time.monotonic() - begun
            now = time.monotonic() - begun
            left = max(asked.seconds - first, 1e-3)
            progress = (now - first) / left if done > 3 else 0.0
            if progress >= 1:
                break
            images, labels = pictures.images[index], pictures.labels[index]
            loss = trainer.step(images, labels, progress)
            done += 1
            if done % SYNC == 0:
                print(
                    f"step {done}, pass {done / steps:.1f}, {now:.0f} s, loss {loss:.4f}",
                    flush=True,
                )
        if progress >= 1 or now - saved > asked.seconds / 4:
            saved, error = now, validate(trainer, pictures, asked.batch)
            print(f"pass {done / steps:.1f}, {now:.0f} s: held-out MAE {error:.4f}", flush=True)
            hours = {"hours": round(now / 3600, 3), "steps": done, "mae_of_squares": error}
            trainer.save(asked.start, asked.output, asked.size, about | hours)
        if progress >= 1:
            return


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a step; see recipes/gpu_900s.sh."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("step", choices=["pack", "decode", "train"])
    parser.add_argument("folder", type=Path, help="of the archives, or of the arrays")
    parser.add_argument("--archive", type=Path, help="to decode")
    parser.add_argument("--sets", default="duts_tr", help="to pack, joined by commas")
    parser.add_argument("--data-root", default="data")
    parser.add_argument("--archives", type=int, default=2)
    parser.add_argument("--size", type=int, default=352)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--start", default="best", help="a checkpoint")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--ratio", type=float, default=0.1, help="of the encoder's rate")
    parser.add_argument("--seconds", type=float, default=540, help="until it has to be saved")
    parser.add_argument("--late", type=float, default=0, help="seconds that have passed already")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction,
                        default=torch.cuda.is_available())  # fmt: skip
    parser.add_argument("--output", type=Path, default=Path("gpu_900s.safetensors"))
    asked = parser.parse_args(arguments)
    os.environ.setdefault("TORCHINDUCTOR_FX_GRAPH_CACHE", "1")
    if asked.step == "pack":
        sets = asked.sets.split(",")
        pack(sets, asked.data_root, asked.archives, asked.size, asked.folder)
    elif asked.step == "decode":
        decode(asked.archive, asked.size, asked.folder)
    else:
        train(asked)


if __name__ == "__main__":
    main()
