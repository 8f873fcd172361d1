"""Write a network for other runtimes, run it there, and compare the maps.

  salient export output=model.onnx            for onnxruntime and others
  salient export output=model.onnx half=true  half the size; still computes in 32 bits
  salient export output=model.onnx int8=DIR   computes in 8 bits; DIR has pictures for calibration
  salient export output=model.pt2             a program of torch.export
  salient export output=model.xml             OpenVINO; .param ncnn, .mlpackage Core ML: for one
                                              picture of fixed size
  salient export output=FOLDER/               a folder for hubs, transformers.js and rembg
  salient export output=detect.html           a page that detects in any browser, offline; needs
                                              npm pack onnxruntime-web@1.30.0, see runtime=

Input `image`: float32 B,3,H,W, RGB, normalised; any B; H and W are multiples of 32.
Outputs `saliency`: B,1,H,W, and `edge`: B,1,H/4,W/4. The file's metadata has mean, std, size,
resize, content, config and crc32.
"""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from salient.cli.main import run
from salient.config import AnyPath
from salient.export import FORMATS, Checked, check, export_folder, export_network
from salient.files import check_writable, write_whole
from salient.weights.find import find_checkpoint
from salient.weights.store import load_network


def export(
    output: AnyPath | None = None,
    checkpoint: AnyPath | None = None,
    content: Literal["probability", "logit"] = "probability",
    half: bool = False,
    int8: AnyPath | None = None,
    pictures: AnyPath | None = None,
    runtime: AnyPath | None = None,
    results: AnyPath | None = None,
    overwrite: bool = False,
) -> Checked:
    """Export, check and time; returns the result of the check.

    The file is written only if the check succeeds.

    Args:
        output: the file to write; its extension chooses the format. A name that ends in / is a
            folder for hubs.
        checkpoint: a file or folder; best (the default) or fast, the bundled weights; last, the
            newest in checkpoints/; or a hub's id, owner/name.
        content: what the network returns: probability or logit.
        half: for onnx, store weights in 16 bits.
        int8: for onnx and folders: a folder of pictures for calibration, like those the network
            will see.
        pictures: a folder of pictures for the comparison; by default those of int8, or noise.
        runtime: for html: npm's archive of onnxruntime-web, or a folder with its files; by
            default the archive in ~/.cache/salient.
        results: for a folder: the results.json of `salient eval`, for the model card; by default
            the scores in the checkpoint.
        overwrite: replace existing files.

    Raises:
        ValueError: no output or an existing one, an unknown format, or the checkpoint is not a
            network.
        FileNotFoundError: there is no such checkpoint or folder.
        ModuleNotFoundError: the format's package is not installed.
    """
    if output is None:
        raise ValueError("output: missing; salient export output=model.onnx")
    is_folder = output.endswith("/")
    if is_folder and (half or runtime is not None or content != "probability"):
        raise ValueError(f"output={output}: half, runtime and content are not for folders")
    if results is not None and not is_folder:
        raise ValueError("results: only for output=FOLDER/")
    target = check_target(output, overwrite)
    for key, photos in (("pictures", pictures), ("int8", int8)):
        if photos is not None and not Path(photos).is_dir():
            raise FileNotFoundError(f"{key}={photos}: no such folder")
    for name in ("onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they log every simplification
    source, probability = find_checkpoint(checkpoint), content == "probability"
    network = load_network(source)
    print(f"network: {network.origin}")
    print("writing and checking it takes a minute or two", flush=True)
    with TemporaryDirectory() as folder:
        made = Path(folder) / target.name
        if is_folder:
            export_folder(source, made, int8, results)
            checked = check(network, made / "onnx/model.onnx", probability, pictures or int8)
        else:
            export_network(network, made, probability, half, int8, runtime)
            checked = check(network, made, probability, pictures or int8)
        publish(Path(folder), target.parent, overwrite)
    tell(checked, FORMATS[".onnx" if is_folder else target.suffix].runtime, network.size)
    return checked


def tell(checked: Checked, runtime: str, size: int) -> None:
    """Print what a check found."""
    if not checked.pictures:
        print(f"not compared: nothing runs {runtime} on Linux")
        return
    print(
        f"largest difference on {checked.pictures} pictures: {checked.difference:.1e}; mean "
        f"{checked.mean:.1e}, 99 % within {checked.percentile:.1e}"
    )
    for name, milliseconds in (("PyTorch", checked.pytorch_ms), (runtime, checked.runtime_ms)):
        print(f"{name:<14}{milliseconds:8.1f} ms at {size} px, batch 1")


def check_target(output: str, overwrite: bool) -> Path:
    """The file to write.

    Raises:
        ValueError: it exists already.
        OSError: its folder cannot be written.
    """
    target = Path(output)
    if target.suffix not in FORMATS and not output.endswith("/"):
        raise ValueError(f"output={output}: the name must end in {' or '.join(FORMATS)}")
    if target.exists() and not overwrite:
        raise ValueError(f"output={output} already exists; overwrite=true replaces it")
    check_writable(target.parent)
    return target


def publish(made: Path, where: Path, overwrite: bool) -> None:
    """Write the files of a folder into another, and print their names and sizes."""
    for path in sorted(path for path in made.rglob("*") if path.is_file()):
        target = where / path.relative_to(made)
        write_whole(target, path.read_bytes(), replace=overwrite)
        print(f"{target}: {target.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    run("export")
