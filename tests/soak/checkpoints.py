"""Hostile and damaged checkpoints: files that `checkpoint=` and `resume=` must refuse in a line."""

from __future__ import annotations

import json
import os
import pickle
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from salient.tensors import read_tensors

State = dict[str, torch.Tensor]


class Program:
    """Would touch a file, if the pickle were run."""

    def __init__(self, call: Any = os.system, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments or ("touch it-ran",)

    def __reduce__(self) -> Any:
        return self.call, self.arguments


def saved(content: Any, **options: Any) -> bytes:
    """What `torch.save` writes."""
    stream = BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def zipped(**files: bytes) -> bytes:
    """A compressed zip."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"archive/{name}", content)
    return stream.getvalue()


def foreign() -> Iterator[tuple[str, bytes]]:
    """Files that are nothing of ours."""
    yield "empty", b""
    yield "a byte", b"\x80"
    yield "text", b"hello, this is no checkpoint"
    yield "json", b'{"a": 1}'
    yield "html", b"<!DOCTYPE html><html>moved</html>"
    yield "a pointer of git lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    yield "png", b"\x89PNG\r\n\x1a\n" + bytes(40)
    yield "zeros", bytes(4096)
    yield "control characters", b"\x1b]0;title\x07\x1b[31m" * 9
    yield "a zip of a text", zipped(data=b"text")
    yield "a zip bomb", zipped(**{"data.pkl": bytes(50_000_000), "version": b"3\n"})
    for protocol in range(6):
        yield f"pickled program, protocol {protocol}", pickle.dumps(Program(), protocol)
    calls = (eval, exec, open, print, getattr, __import__, os.unlink, os.remove, torch.load)
    for call in calls:
        yield f"saved call of {call.__name__}", saved({"layer0_1.0.0.weight": Program(call, "1")})
    plain: dict[str, Any] = {"a list": [1], "a number": 1, "a text": "x", "none": None}
    plain |= {"a tensor": torch.zeros(2), "an empty dict": {}, "numbers": {"a": 1}, "keys": {1: 2}}
    plain |= {"a list of a dict": [{"a": torch.zeros(1)}], "a foreign net": {"a": torch.zeros(1)}}
    plain |= {"deep": nested(200), "state_dict is a text": {"state_dict": "x"}}
    plain |= {"tensors under numbers": {0: torch.zeros(1)}, "an empty state": {"state_dict": {}}}
    for name, content in plain.items():
        yield f"saved {name}", saved(content)
        yield f"saved {name}, old format", saved(content, _use_new_zipfile_serialization=False)
    for length in (0, 1, 2, 7, 100, 2**31, 2**63, 2**64 - 1):
        yield f"safetensors header of {length}", struct.pack("<Q", length) + b'{"a":1}'
    for text in ('{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}', "{" * 500, '{"a":1}'):
        yield f"safetensors {text[:30]}", struct.pack("<Q", len(text)) + text.encode() + bytes(4)
    for shape in ([2**62, 4], [-1], [10**18], [1.5], "x"):
        header = {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}
        text = json.dumps(header)
        yield f"safetensors shape {shape}", struct.pack("<Q", len(text)) + text.encode() + bytes(4)


CONFIGS: list[Any] = [
    *("", "no json", "{", "[]", "null", "1", '"x"', "[" * 5000, "9" * 5000, "{}"),
    *({"encoder": e} for e in (None, 1, "", "nosuch", "hf-hub:a/b", "hf_hub:a/b", "../x", "a/b")),
    *({"encoder": e} for e in ("local-dir:/etc", "file:/etc/passwd", "resnet10t:x", "\x1b[31mred")),
    *({"encoder": e} for e in (["resnet10t"], "resnet10t." + "x" * 5000, "vit_tiny_patch16_224")),
    *({"context": v} for v in (0, -1, 1e9, 10**9, 10**18, True, "16", None, [16], 16.5, 4096)),
    *({key: 10**6} for key in ("branch", "head", "group", "enhance", "size")),
    *({"fine": v} for v in ([], [8], [8, 16, 24], [0, 16], 8, [8, "16"], [10**9, 16], None)),
    *({"size": v} for v in (0, 31, 33, -64, 64.5, True, "64", None, 2**40, 32000, [64, 64])),
    *({"mean": v} for v in (0, [], [0.5], [0.5, 0.5, "x"], [float("nan")] * 3, [9, 9, 9], None)),
    *({"std": v} for v in (0, [], [0, 0, 0], [1, 1, float("inf")], [float("nan")] * 3, [-1] * 3)),
    *({"surprise": 1}, {"_target_": "os.system"}, {"self": 1}, {"\x1b[2J": 1}),
]


def with_config(good: Path, change: Any) -> bytes:
    """Our own file with another description of its network; a dict changes single keys."""
    state, metadata = read_tensors(good)
    if isinstance(change, dict):
        change = json.dumps(json.loads(metadata["network"]) | change)
    return save(state, metadata | {"network": change})


def with_state(good: Path, change: Callable[[State], Any], checked: bool = False) -> bytes:
    """Our own file with other tensors, and without the checksum that would tell."""
    state, metadata = read_tensors(good)
    change(state)
    if not checked:
        metadata.pop("crc32")
    return save(state, metadata)


def with_tensor(
    good: Path, key: str, change: Callable[[torch.Tensor], Any], checked: bool = False
) -> bytes:
    """Our own file with one tensor changed, or without it if that gives None."""

    def of_state(state: State) -> None:
        changed = change(state.pop(key))
        if changed is not None:
            state[key] = changed

    return with_state(good, of_state, checked)


def fill(tensor: torch.Tensor, value: float) -> torch.Tensor:
    """A tensor whose last element is another."""
    tensor.view(-1)[-1:] = value
    return tensor


def spoilt(good: Path) -> Iterator[tuple[str, bytes]]:
    """Our own file with tensors that are not those of a network, or not finite."""
    state, _ = read_tensors(good)
    weights = [k for k, v in state.items() if v.is_floating_point() and v.numel() > 1]
    variances = [k for k in state if k.endswith("running_var")]
    for value in (float("nan"), float("inf"), float("-inf")):
        for key in weights[:: len(weights) // 5]:
            yield f"{value} in {key}", with_tensor(good, key, lambda x, v=value: fill(x, v))
    for key in variances[::9]:
        yield f"negative {key}", with_tensor(good, key, lambda x: fill(x, -1))
    for key in weights[:: len(weights) // 10]:
        yield f"no {key}", with_tensor(good, key, lambda x: None)
        yield f"flat {key}", with_tensor(good, key, lambda x: x.reshape(-1)[:-1])
        yield f"whole {key}", with_tensor(good, key, lambda x: x.int())
        yield f"another {key}", with_tensor(good, key, lambda x: x + 1e-3, checked=True)
    more = dict.fromkeys(["\x1b[31mred"], torch.zeros(1))
    yield "more", with_state(good, lambda s: s.update(more))
    yield "overflowing", with_state(good, lambda s: [s[k].mul_(1e30) for k in weights])
    yield "nothing", with_state(good, lambda s: s.clear())


def damaged(good: bytes, dice: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """A file cut short, and with a byte changed: where it begins and ends, and in the middle."""
    for index in range(count):
        cut = dice.randrange(1, len(good))
        yield f"cut at {cut}", good[:cut]
        where = (len(good), 4000, len(good))[index % 3]
        spot = dice.randrange(len(good) - 4000 if index % 3 == 2 else 0, where)
        yield f"another byte {spot}", good[:spot] + bytes([good[spot] ^ 0x5A]) + good[spot + 1 :]


def other_runs(last: Path) -> Iterator[tuple[str, bytes]]:
    """A run's checkpoint with a part that is missing, of another type, or another run's."""
    run = torch.load(last, weights_only=True)
    needed = ("epoch", "global_step", "state_dict", "loops", "callbacks")
    for key in (*needed, "optimizer_states", "lr_schedulers"):
        yield f"without {key}", saved({k: v for k, v in run.items() if k != key})
        for value in ("x", -1, [], {}, None, [1], {"a": 1}, 1.5, torch.zeros(1)):
            if not (key in ("loops", "callbacks") and value == {}):
                yield f"{key} is {value}", saved(run | {key: value})
    state = run["state_dict"]
    first = next(iter(state))
    yield "a tensor less", saved(run | {"state_dict": {k: state[k] for k in state if k != first}})
    yield "a tensor more", saved(run | {"state_dict": state | {"more": torch.zeros(1)}})
    yield "nan", saved(run | {"state_dict": state | {first: state[first] * float("nan")}})
    yield "sparse", saved(run | {"state_dict": state | {first: state[first].to_sparse()}})
    yield "complex", saved(run | {"state_dict": state | {first: state[first] + 1j}})
    yield "loops of another", saved(run | {"loops": {"fit_loop": {"epoch_progress": 1}}})
    schedule = run["lr_schedulers"][0]
    for steps in (1, 10**9, None, "x"):
        yield f"{steps} steps", saved(run | {"lr_schedulers": [schedule | {"total_steps": steps}]})
    optimizer = run["optimizer_states"][0]
    yield "no groups", saved(run | {"optimizer_states": [optimizer | {"param_groups": []}]})
    yield "no group key", saved(run | {"optimizer_states": [{"state": {}}]})
    yield "groups are numbers", saved(run | {"optimizer_states": [{"param_groups": [1, 2]}]})
    yield "other version", saved(run | {"pytorch-lightning_version": "99.x\x1b[31m"})
    yield "a program", saved(run | {"more": Program()})
    network = json.loads(run["network"])
    yield "another network", saved(run | {"network": json.dumps(network | {"context": 99})})
    yield "no network", saved(run | {"network": "{"})
    yield "no texts", saved(run | {"network": 5})
