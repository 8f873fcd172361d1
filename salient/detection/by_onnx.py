"""The engine of onnxruntime: without PyTorch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from salient.arrays import Picture, Probabilities, Probability
from salient.data.transforms import RESIZE
from salient.detection.onnx_session import OnnxSession
from salient.detection.providers import ON_CPU, Chosen
from salient.detection.quality import find_fit
from salient.weights.find import BOX, read_checkpoint

LARGEST = 4096  # pixels of a square's side
HEADS = ("saliency", "edge")


class OnnxEngine:
    """onnxruntime, for a file that `salient export` wrote with probabilities.

    The file's metadata and its outputs are checked. See `Engine` and `OnnxSession`.

    Args:
        path: the ONNX file.
        checkpoint: the checkpoint it was exported from, named in `origin`; None names the file.
        providers: what computes, see `OnnxSession`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file was not written by `salient export`.
        ModuleNotFoundError: onnxruntime is not installed.
    """

    def __init__(
        self, path: str | Path, checkpoint: Path | None = None, providers: Chosen = ON_CPU
    ) -> None:
        self.path, self.checkpoint = Path(path), checkpoint
        self.session = OnnxSession(path, providers)
        self.on_cores = self.session.on_cores
        session = self.session.on(1)
        properties = session.get_modelmeta().custom_metadata_map
        names = [output.name for output in session.get_outputs()]
        inputs = [entry.name for entry in session.get_inputs()]
        known = self._read(properties)
        if inputs != ["image"] or "saliency" not in names:
            self.session.refuse(
                f"not a file of `salient export`: it takes {inputs} and gives {names}"
            )
        self.heads = [head for head in HEADS if head in names]
        self.size, self.resize, self.precision = known["size"], known["resize"], known["computes"]
        self.mean, self.std = (np.array(known[key], np.float32) for key in ("mean", "std"))
        self.quality = find_fit(checkpoint or self.path, lambda: known["crc32"])
        self.name = f"onnxruntime {self.precision}{self.session.where}"
        self.origin = f"{checkpoint or path}, {self.size} px"
        if checkpoint is not None and checkpoint.parent == BOX:
            self.origin += f", the bundled weights {checkpoint.stem!r}"

    @cached_property
    def sha256(self) -> str | None:
        """Of the checkpoint, or of the ONNX file where there is none."""
        return read_checkpoint(self.checkpoint or self.path).sha256

    def run(self, squares: Picture, threads: int | None = None) -> Probabilities:
        """Like `Engine.run`.

        Raises:
            ValueError: the file cannot be run, or its outputs are not maps.
            MemoryError: there is too little memory.
        """
        normalised = (squares.astype(np.float32) / 255 - self.mean) / self.std
        image = np.ascontiguousarray(normalised.transpose(0, 3, 1, 2))
        found = self.session.run(self.heads, {"image": image}, threads)
        return Probabilities(*map(self._map, self.heads, found, [len(squares)] * len(found)))

    def _map(self, head: str, found: Any, count: int) -> Probability:
        """An output B,1,h,w -> B,h,w."""
        shape = getattr(found, "shape", ())
        fits = len(shape) == 4 and shape[:2] == (count, 1) and min(shape) > 0
        if not fits or found.dtype != np.float32:
            dtype = getattr(found, "dtype", type(found).__name__)
            self.session.refuse(
                f"{head} is {dtype} of shape {tuple(shape)}; it must be float32 B,1,H,W with B = "
                f"{count}"
            )
        values: Probability = found[:, 0]
        return values

    def _read(self, properties: Mapping[str, str]) -> dict[str, Any]:
        """The metadata of the file, checked."""
        known: dict[str, Any] = {"computes": "fp32", "crc32": None}
        for key in ("size", "resize", "mean", "std", "content", "computes", "crc32"):
            try:
                known[key] = json.loads(properties[key])
            except KeyError:
                if key not in known:
                    self.session.refuse(
                        f"not a file of `salient export`: its metadata lacks {key!r}; "
                        f"describe it in {self.path.stem}.yaml next to it"
                    )
            except (ValueError, RecursionError):
                self.session.refuse(f"{key} is not JSON: {properties[key]!r:.80}")
        rules = {
            "size": _is_whole(known["size"]) and 1 <= known["size"] <= LARGEST,
            "resize": isinstance(known["resize"], str) and known["resize"] in RESIZE,
            "mean": _are_three(known["mean"]),
            "std": _are_three(known["std"]) and min(known["std"]) > 0,
            "content": known["content"] == "probability",
            "computes": isinstance(known["computes"], str) and known["computes"].isalnum(),
        }
        wanted = {
            "size": f"a whole number from 1 to {LARGEST}",
            "resize": f"one of {', '.join(RESIZE)}",
            "mean": "three numbers",
            "std": "three numbers above 0",
            "content": "probability: it gives logits; export it with content=probability",
            "computes": "a word such as fp32 or int8",
        }
        for key, kept in rules.items():
            if not kept:
                self.session.refuse(f"{key} is {known[key]!r:.80}; it must be {wanted[key]}")
        return known


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_three(value: Any) -> bool:
    numbers = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 3
    return numbers and all(
        isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)
        for one in value
    )
