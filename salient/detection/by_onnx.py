"""The engine by onnxruntime: on a CPU, in float32, without PyTorch."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from salient.arrays import Picture
from salient.detection.engine import Found
from salient.devices import cores, import_onnxruntime
from salient.weights.find import BOX


class OnnxEngine:
    """onnxruntime on the CPU, for a file that `salient export` wrote with probabilities.

    Threads that wait do not spin, so that other programs get the cores.

    Args:
        path: the ONNX file.
        checkpoint: what it was exported from, to be named in `origin`; None names the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such file.
        ModuleNotFoundError: onnxruntime is not installed.
    """

    on_cores = True

    def __init__(self, path: str | Path, checkpoint: Path | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"no ONNX file {path}")
        try:
            given = {output.name for output in self._one_thread.get_outputs()}
            self.outputs = [name for name in ("saliency", "edge") if name in given]
            properties = self._one_thread.get_modelmeta().custom_metadata_map
            known = {key: json.loads(value) for key, value in properties.items()}
            self.size, self.resize = int(known["size"]), str(known["resize"])
            self.mean, self.std = (np.array(known[key], np.float32) for key in ("mean", "std"))
            self.name = f"onnxruntime {known.get('computes', 'fp32')}"
            if known["content"] != "probability":
                raise ValueError("it gives logits; export it with content=probability")
        except ModuleNotFoundError:
            raise
        except Exception as error:  # whatever a foreign file provokes
            reason = f"{' '.join(str(error).split()):.200}"
            raise ValueError(f"{path}: not a file of `salient export`: {reason}") from error
        self.origin = f"{checkpoint or path}, {self.size} px"
        if checkpoint is not None and checkpoint.parent == BOX:
            self.origin += f", the weights {checkpoint.stem!r} in the box"

    def run(self, squares: Picture, flip: bool = False, alone: bool = True) -> Found:
        """As `Engine.run`."""
        if flip:
            saliency, edge = self.run(squares, alone=alone)
            mirrored = self.run(squares[:, :, ::-1], alone=alone)
            half = np.float32(0.5)
            saliency = half * (saliency + mirrored.saliency[:, :, ::-1])
            if edge is not None and mirrored.edge is not None:
                edge = half * (edge + mirrored.edge[:, :, ::-1])
            return Found(saliency, edge)
        normalised = (squares.astype(np.float32) / 255 - self.mean) / self.std
        image = np.ascontiguousarray(normalised.transpose(0, 3, 1, 2))
        session = self._all_threads if alone else self._one_thread
        maps = session.run(self.outputs, {"image": image})
        if not all(np.isfinite(x).all() for x in maps):
            raise ValueError("the network's map is not finite: its checkpoint is damaged")
        return Found(*(x[:, 0] for x in maps))

    @cached_property
    def _one_thread(self) -> Any:
        return self._session(1)

    @cached_property
    def _all_threads(self) -> Any:
        return self._session(cores()) if cores() > 1 else self._one_thread

    def _session(self, threads: int) -> Any:
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(
            str(self.path), options, providers=["CPUExecutionProvider"]
        )
