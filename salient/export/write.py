"""A network -> a file of any format, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from salient.export.formats import FORMATS
from salient.export.pictures import calibration
from salient.files import write_whole
from salient.model.base import Network
from salient.weights.int8 import quantise


def export_network(
    network: Network,
    path: str | Path,
    probability: bool = True,
    half: bool = False,
    int8: str | None = None,
    runtime: str | None = None,
) -> Path:
    """Write the network in eval mode; the file's extension chooses the format.

    Args:
        network: the network to export.
        path: the file to write.
        probability: the outputs are probabilities; otherwise logits.
        half: store weights in 16 bits; runtimes still compute in 32 bits.
        int8: a folder of pictures for calibration, to compute in 8 bits (ONNX only).
        runtime: see `write_page`.

    Raises:
        ValueError: no format has this extension, or not in this precision; a weight is not finite,
            also in 16 bits; or the folder contains no pictures.
        ModuleNotFoundError: the format's package is not installed.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"output={path}: the name must end in {' or '.join(FORMATS)}")
    if int8 is not None and (half or path.suffix != ".onnx"):
        raise ValueError("int8: only for output=model.onnx, and not with half=true")
    if runtime is not None and path.suffix != ".html":
        raise ValueError("runtime: only for output=detect.html")
    images = None if int8 is None else calibration(network, int8)  # before the minute of writing
    options = {} if runtime is None else {"runtime": runtime}
    content = FORMATS[path.suffix].write(network.eval(), probability, half, **options)
    if images is not None:
        assert isinstance(content, bytes)
        content = quantise(content, images, network.float_before)
    files = {path.suffix: content} if isinstance(content, bytes) else content
    for ending, part in files.items():
        write_whole(path.parent / f"{path.stem}{ending}", part)
    return path
