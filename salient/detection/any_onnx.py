"""The engine for ONNX files of other projects, with a description of input and output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import Field

from salient.arrays import Float32, Picture, Probabilities, Probability
from salient.config import Amount, ConfigError, check_config, checked
from salient.detection.by_onnx import LARGEST, OnnxEngine
from salient.detection.engine import Engine
from salient.detection.onnx_session import OnnxSession
from salient.detection.providers import ON_CPU, Chosen
from salient.detection.quality import IouFit
from salient.weights.find import read_checkpoint

Three = tuple[float, float, float]
KNOWN = Path(__file__).with_name("onnx_models.yaml")


@checked
@dataclass(frozen=True)
class Description:
    """The input and output of a network in an ONNX file.

    The input is one RGB picture, float 1,3,S,S. Each value 0..255 is divided by `divide_by`;
    then `mean` is subtracted, and the result is divided by `std`.

    Args:
        size: the side S of the square that pictures are resized to.
        mean, std: of red, green and blue.
        divide_by: a number, or `max` for the picture's own largest value.
        output: the number or name of the output with the map, 1,C,h,w or 1,h,w.
        channel: the channel of this output.
        sigmoid: whether the output is a logit.
        stretch: whether each map is stretched to 0..1 by its own minimum and maximum.
        resize: the filter that makes the square: area, or pillow (Pillow's bilinear).
    """

    size: Annotated[int, Field(ge=1, le=LARGEST)]
    mean: Three = (0.0, 0.0, 0.0)
    std: Three = (1.0, 1.0, 1.0)
    divide_by: Annotated[float, Field(gt=0)] | Literal["max"] = 255.0
    output: Amount | str = 0
    channel: Amount = 0
    sigmoid: bool = False
    stretch: bool = False
    resize: Literal["area", "pillow"] = "pillow"

    def __post_init__(self) -> None:
        if min(self.std) <= 0:
            raise ConfigError(f"std must be above 0, got {list(self.std)}")


class AnyOnnxEngine:
    """onnxruntime, for the ONNX file of any network that outputs a map. See `Engine`.

    Args:
        path: the ONNX file.
        description: its input and output.
        providers: what computes, see `OnnxSession`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not an ONNX file, or the description does not fit.
        ModuleNotFoundError: onnxruntime is not installed.
    """

    quality: IouFit | None = None
    precision = "fp32"
    resize: str

    def __init__(
        self, path: str | Path, description: Description, providers: Chosen = ON_CPU
    ) -> None:
        self.description, self.session = description, OnnxSession(path, providers)
        self.on_cores, self.name = self.session.on_cores, f"onnxruntime fp32{self.session.where}"
        self.size, self.resize = description.size, description.resize
        self.origin = f"{path}, {self.size} px"
        self.input, self.type, self.output = self._ends()
        self.mean, self.std = (np.array(x, np.float32) for x in (description.mean, description.std))

    @cached_property
    def sha256(self) -> str | None:
        """Of the file."""
        return read_checkpoint(self.session.path).sha256

    def run(self, squares: Picture, threads: int | None = None) -> Probabilities:
        """Like `Engine.run`, one picture at a time.

        Raises:
            ValueError: the file cannot be run, or its output is not a map.
            MemoryError: there is too little memory.
        """
        return Probabilities(np.stack([self._map(square, threads) for square in squares]))

    def _map(self, square: Picture, threads: int | None) -> Probability:
        """RGB uint8 S,S,3 -> its map float32 h,w."""
        divisor = self.description.divide_by
        scale = max(float(square.max()), 1e-6) if divisor == "max" else divisor
        normalised = (square.astype(np.float32) / np.float32(scale) - self.mean) / self.std
        image = np.ascontiguousarray(normalised.transpose(2, 0, 1)[None])
        (found,) = self.session.run([self.output], {self.input: image.astype(self.type)}, threads)
        values = self._channel(found)
        if self.description.sigmoid:
            values = np.exp(-np.logaddexp(0, -values)).astype(np.float32)
        low, high = values.min(), values.max()
        if self.description.stretch and high > low:
            values = (values - low) / (high - low)
        return values

    def _channel(self, found: Any) -> Float32:
        """The channel with the map, float32 h,w."""
        shape, channel = tuple(getattr(found, "shape", ())), self.description.channel
        layers = found[0] if len(shape) == 4 and shape[0] == 1 else found
        if getattr(layers, "ndim", 0) != 3 or channel >= len(layers) or not layers.size:
            self.session.refuse(f"output {self.output} has the shape {shape}; no channel {channel}")
        return np.asarray(layers[channel], np.float32)

    def _ends(self) -> tuple[str, str, str]:
        """The name and type of the file's input, and the name of the output with the map."""
        session = self.session.on(1)
        inputs, outputs = session.get_inputs(), [one.name for one in session.get_outputs()]
        fits = (1, 3, self.size, self.size)
        shape = inputs[0].shape if len(inputs) == 1 else ()
        if len(shape) != 4 or any(
            isinstance(a, int) and a not in (b, -1) for a, b in zip(shape, fits)
        ):
            taken = [one.shape for one in inputs]
            self.session.refuse(f"its input is {taken}; it must take 1,3,{self.size},{self.size}")
        wanted = self.description.output
        if isinstance(wanted, int) and wanted < len(outputs):
            wanted = outputs[wanted]
        if wanted not in outputs:
            self.session.refuse(f"it has no output {wanted}; there are {', '.join(outputs)}")
        dtype = "float16" if "float16" in inputs[0].type else "float32"
        return inputs[0].name, dtype, str(wanted)


def load_onnx(
    path: str | Path,
    described: Mapping[str, Any] | None = None,
    providers: Chosen = ON_CPU,
) -> Engine:
    """The engine of an ONNX file, with the first of these descriptions that exists.

    The argument; FILE.yaml next to FILE.onnx; the file's metadata, if `salient export` wrote it;
    the bundled description of a well-known file name.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: there is no description, or it does not fit; the message has the keys.
        ModuleNotFoundError: onnxruntime is not installed.
    """
    path = Path(path)
    session = OnnxSession(path, providers)
    description_file = path.with_suffix(".yaml")
    if described is None and description_file.is_file():
        described = yaml.safe_load(description_file.read_text())
        if not isinstance(described, Mapping):
            raise ValueError(
                f"{description_file}: it must contain keys and values, such as size: 320"
            )
    if described is None and path.stem in known_models():
        properties = session.on(1).get_modelmeta().custom_metadata_map
        described = None if "content" in properties else known_models()[path.stem]
    if described is not None:
        try:
            check_config(described, Description)
            return AnyOnnxEngine(path, Description(**described), providers)
        except ConfigError as error:
            session.refuse(f"its description: {error}", error)
    return OnnxEngine(path, providers=providers)


@cache
def known_models() -> dict[str, dict[str, Any]]:
    """The bundled descriptions of well-known files, by name without .onnx."""
    models: dict[str, dict[str, Any]] = yaml.safe_load(KNOWN.read_text())
    return models
