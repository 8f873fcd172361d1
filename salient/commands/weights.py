"""Say what a checkpoint is, or write it in this project's format."""

from __future__ import annotations

from typing import Any

from salient.cli.main import run
from salient.model.base import Side
from salient.weights.edit import convert
from salient.weights.find import find_checkpoint
from salient.weights.store import describe


def weights(
    checkpoint: str | None,
    output: str | None,
    half: bool,
    size: Side | None,
    resize: str | None,
    sharpen: float,
    average: str | list[str],
    share: float | None,
    add: dict[str, Any] | None,
) -> None:
    """Describe a checkpoint; with an `output`, convert it. Raises as `convert`."""
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
