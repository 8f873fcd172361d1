"""Files that are none, names of any bytes, folders that change, and very many pictures."""

from __future__ import annotations

import os
import random
import resource
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from salient.detection.detector import Detector
from salient.detection.folders import detect_files
from salient.detection.listing import find_pictures
from salient.detection.modes import MODES
from salient.detection.outputs import Output
from tests.fixtures.engines import Counting
from tests.soak.outcomes import Outcome, Tally, outcome

PREDICT = ("predict", "output=maps", "overwrite=true", "checkpoint=good.safetensors")
START_SECONDS = 5  # until the first of very many pictures is done
GROWTH = 100  # MiB that memory may grow by over very many pictures


def try_places(folder: Path, tally: Tally, dice: random.Random, share: float = 1) -> None:
    """All of them; of very many pictures 50 000."""
    try_devices(folder, tally)
    try_onnx(folder, tally, dice, share)
    try_names(folder, tally)
    try_vanishing(folder, tally)
    try_many(folder, tally, max(round(50_000 * share), 500))


def try_devices(folder: Path, tally: Tally) -> None:
    """Pipes and devices, and links to them, wherever a file is named."""
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("/dev/zero")
    (folder / "gone").symlink_to("nowhere")
    (folder / "model").mkdir()
    os.mkfifo(folder / "model/pytorch_model.bin")
    for file in ("pipe", "link", "/dev/zero", "/dev/urandom", "gone", "model"):
        for command in (
            ("predict", "photo.png", "output=maps", "overwrite=true", f"checkpoint={file}"),
            (*PREDICT, f"input={file}"),
            ("weights", f"checkpoint={file}"),
            ("export", "output=x.onnx", f"checkpoint={file}"),
            ("eval", "dataset=folder", f"images={file}", f"masks={file}", "output=out"),
        ):
            ended = outcome(folder, *command)
            tally.add("pipes and devices", " ".join(command), ended, lines=True)


def foreign_onnx() -> Iterator[tuple[str, bytes]]:
    """ONNX files that a stranger may have made: properties and outputs of any kind."""
    good = {"size": "64", "resize": '"area"', "mean": "[0,0,0]", "std": "[1,1,1]"}
    good |= {"content": '"probability"'}
    bad = {"size": ("0", "-1", "true", "1e9", "[]", "{", "4097", '"64"')}
    bad |= {"resize": ('"nosuch"', "1", "[]"), "content": ('"logit"', "null", "{}")}
    bad |= {"mean": ("[0,0]", "[0,0,0,0,0]", "[NaN,0,0]", "1"), "std": ("[0,0,0]", "[-1,1,1]", "x")}
    bad |= {"computes": ('"\\u001b]0;title\\u0007"', "1", "[" * 9999)}
    for key, values in bad.items():
        for value in values:
            yield f"{key}={value:.30}", identity(good | {key: value})
        yield f"no {key}", identity({k: v for k, v in good.items() if k != key})
    for shape in ([], [1], [1, 1], [1, 64, 64, 1], [2, 1, 64, 64]):
        yield f"gives {shape}", identity(good, constant=shape)
    yield "gives whole numbers", identity(good, constant=[1, 1, 64, 64], kind=TensorProto.INT64)
    for value in (2.0, -1.0, float("nan"), float("inf")):
        yield f"gives {value}", identity(good, constant=[1, 1, 64, 64], value=value)


def identity(
    properties: dict[str, str],
    constant: list[int] | None = None,
    value: float = 0.5,
    kind: int = TensorProto.FLOAT,
) -> bytes:
    """A model that gives a constant, or the red channel of what it takes."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 3, None, None])
    dtype = np.int64 if kind == TensorProto.INT64 else np.float32
    content = np.full([1, 1, 64, 64] if constant is None else constant, value, dtype)
    tensor = onnx.numpy_helper.from_array(content, "value")
    node = helper.make_node("Constant", [], ["saliency"], value=tensor)
    out = helper.make_tensor_value_info("saliency", kind, None)
    graph = helper.make_graph([node], "soak", [image], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, properties)
    return bytes(model.SerializeToString())


def try_onnx(folder: Path, tally: Tally, dice: random.Random, share: float = 1) -> None:
    """Foreign ONNX files as `checkpoint=`."""
    for name, content in foreign_onnx():
        if dice.random() > share:
            continue
        (folder / "bad.onnx").write_bytes(content)
        ended = outcome(folder, "predict", "photo.png", *PREDICT[1:3], "checkpoint=bad.onnx")
        tally.add("foreign ONNX", name, ended, may_run=name == "no computes")


def try_names(folder: Path, tally: Tally) -> None:
    """Names that are not UTF-8, hold control characters, or mean something to Hydra."""
    content = (folder / "photo.png").read_bytes()
    names = (b"\xff.png", b"a\nb.png", b"\x1b[31m.png", b"a,b=[c]{d}.png", b"$(x) `y` ${z}.png")
    names += (b"-rf.png", b" .png", "图片 é.png".encode(), b"%s%n.png", b"a" * 240 + b".png")
    place = folder / "names"
    place.mkdir()
    for name in names:
        (place / os.fsdecode(name)).write_bytes(content)
        ended = outcome(folder, *PREDICT[:1], f"names/{os.fsdecode(name)}", *PREDICT[1:])
        there = (folder / "maps" / os.fsdecode(name)).exists()
        lost = Outcome("lost", "no map") if ended.kind == "runs" and not there else ended
        tally.add("names", repr(name), lost, may_run=True)
    ended = outcome(folder, "predict", "names", *PREDICT[1:], "summary=names.csv")
    tally.add("names", "a folder of them", ended, may_run=True)


def try_vanishing(folder: Path, tally: Tally) -> None:
    """Pictures that go while they are read, and a folder that cannot be written."""
    for k in range(60):
        (folder / f"vanishing{k % 2}").mkdir(exist_ok=True)
        Image.new("RGB", (64, 48), (k, 9, 200)).save(folder / f"vanishing{k % 2}/{k}.png")

    def remove() -> None:
        maps = folder / "left"
        while not any(maps.glob("*.png")):
            time.sleep(0.005)
        for path in sorted((folder / "vanishing0").iterdir(), reverse=True):
            path.unlink()

    thread = threading.Thread(target=remove, daemon=True)
    thread.start()
    ended = outcome(folder, "predict", "vanishing0", "output=left", PREDICT[3])
    tally.add("vanishing data", "pictures removed", ended, may_run=True, lines=True)
    for target in ("/proc/none", "photo.png/maps", "/dev/null/maps"):
        ended = outcome(folder, "predict", "vanishing1", f"output={target}", PREDICT[3])
        tally.add("vanishing data", target, ended)


def try_many(folder: Path, tally: Tally, count: int) -> None:
    """Very many small pictures: the first is done at once, and memory does not grow with them."""
    place = folder / "many"
    place.mkdir()
    content = (folder / "photo.png").read_bytes()
    for k in range(count):
        (place / f"{k:06d}.png").write_bytes(content)
    start, first, before = time.process_time(), 0.0, 0
    found = find_pictures(str(place), folder / "done")
    for k, _ in enumerate(
        detect_files(Detector(Counting()), found.targets, MODES["map"], Output())
    ):
        first = first or time.process_time() - start
        before = before or (used() if k == count // 10 else 0)
    grown = used() - before
    said = f"{count} pictures: first after {first:.1f} s, memory grew by {grown} MiB"
    print(said)
    kind = "runs" if first < START_SECONDS and grown < GROWTH else "hang"
    written = sum(1 for _ in (folder / "done").iterdir())
    tally.add("many files", said, Outcome(kind if written == count else "lost", said), True)


def used() -> int:
    """The most memory that this process has had so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 2**10)
