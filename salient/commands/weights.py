"""Describe a checkpoint, or write it in this project's format.

salient weights checkpoint=FILE                    its network, hash, scores and origin
salient weights checkpoint=pytorch_model.bin output=mine.safetensors half=true
"""

from __future__ import annotations

from typing import Any

from salient.cli.main import run
from salient.config import AnyPath
from salient.model.base import Side
from salient.weights.edit import convert
from salient.weights.find import find_checkpoint
from salient.weights.store import describe


def weights(
    checkpoint: AnyPath | None = None,
    output: AnyPath | None = None,
    half: bool = False,
    size: Side | None = None,
    resize: str | None = None,
    sharpen: float = 1,
    average: AnyPath | list[str] = (),  # type: ignore[assignment]
    share: float | None = None,
    add: dict[str, Any] | None = None,
) -> None:
    """Describe a checkpoint; with an `output`, convert it. Raises as `convert`.

    Args:
        checkpoint: a file or folder; best (the default) or fast, the bundled weights; last, the
            newest in checkpoints/; or a hub's id, owner/name.
        output: a safetensors file to write.
        half: store weights in 16 bits.
        size: detect at another size in pixels, a multiple of 32.
        resize: resize pictures with another filter, a name in `salient.data.transforms.RESIZE`.
        sharpen: a factor for the map's logit: above 1, greys move to black or white.
        average: one or more other checkpoints of the same network, to average with.
        share: the total weight of those others; by default all networks count the same.
        add: metadata to add: add={licence: Apache-2.0}.
    """
    source = find_checkpoint(checkpoint)
    if output is None:
        print(describe(source))
    else:
        file = convert(
            source,
            output,
            half=half,
            size=size,
            resize=resize,
            sharpen=sharpen,
            average=average,
            share=share,
            add=add,
        )
        print(f"wrote {file}")


if __name__ == "__main__":
    run("weights")
