"""The model card of a hub's folder: a YAML header for the hub, figures, and how to use it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from salient.files import printable
from salient.metrics import HEADLINE
from salient.model import architecture_of
from salient.model.base import Network

LABELS = {figure.key: figure.label for figure in HEADLINE}
TEXT = """---
{header}---

# {title}

Salient object detection: a picture in, a map of the object that stands out in it.

| | |
|---|---|
{facts}

{figures}

## Use

```python
from salient import Detector  # pip install salient-sod

detector = Detector.load("OWNER/NAME")  # or this folder
detector("photo.jpg").cutout().save("cutout.png")
```

```python
import torch
from transformers import AutoModelForImageSegmentation  # and timm, pydantic

model = AutoModelForImageSegmentation.from_pretrained("OWNER/NAME", trust_remote_code=True)
with torch.inference_mode():  # pixel_values: RGB, {size} x {size}, less {mean}, by {std}
    probability = model.eval()(pixel_values)[-1].sigmoid()  # B,1,{size},{size}
```

```js
import {{ pipeline }} from "@huggingface/transformers";
const cut = await pipeline("background-removal", "OWNER/NAME", {{ dtype: "fp32" }});
const picture = await cut("photo.jpg"); // RGBA: picture.save("cutout.png")
```

    rembg i -m u2net_custom -x '{{"model_path": "onnx/model.onnx"}}' photo.jpg cutout.png

rembg resizes to 320 pixels and normalises in its own way, so that its maps differ a little.

## Files

| File | SHA-256 |
|---|---|
HASHES
"""


def write_card(
    name: str, network: Network, metadata: Mapping[str, str], results: str | Path | None = None
) -> str:
    """The card of a network. `HASHES` in it is to be replaced by the lines of its files.

    Args:
        name: of the network.
        network: what it describes.
        metadata: of its checkpoint: name, licence, pairs, hours, hardware and scores.
        results: the `results.json` of `salient eval`; without one, the checkpoint's own scores.

    Raises:
        ValueError: `results` is no such file.
        FileNotFoundError: there is none.
    """
    rows = list(_rows(metadata) if results is None else read_rows(Path(results)))
    name = printable(name)[:60]
    weights = sum(parameter.numel() for parameter in network.parameters())
    facts = {"Architecture": architecture_of(network), "Weights": f"{weights / 1e6:.2f} M"}
    facts |= {"Detects at": f"{network.size} px"}
    for key in ("licence", "pairs", "hours", "hardware", "start", "source"):
        if key in metadata:
            facts[key.capitalize()] = metadata[key]
    lines = [f"| {key} | {_cell(value)} |" for key, value in facts.items()]
    header = yaml.safe_dump(_header(name, rows), sort_keys=False, allow_unicode=True)
    return TEXT.format(
        header=header,
        title=name,
        facts="\n".join(lines),
        figures=_table(rows),
        size=network.size,
        mean=network.config["mean"],
        std=network.config["std"],
    )


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of `results.json`: the set's `dataset`, `pairs`, `figures`, and `intervals` if there.

    Raises:
        ValueError: it is no such file.
        FileNotFoundError: there is none.
    """
    if not path.is_file():
        raise FileNotFoundError(f"results={path}: no such file; salient eval writes results.json")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for row in content["rows"]:
            if row["method"] == "ours":
                figures = {key: float(row[key]) for key in LABELS}
                bounds = content.get("intervals", {}).get(row["dataset"], {}).get("ours", {})
                yield {"dataset": row["dataset"], "pairs": row["pairs"], "figures": figures} | {
                    "intervals": bounds
                }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"results={path}: not a results.json of salient eval") from error


def _rows(metadata: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The scores that a checkpoint of the package holds."""
    for name, scores in json.loads(metadata.get("scores", "{}")).items():
        figures = {key: scores[key] for key in LABELS if key in scores}
        yield {"dataset": name, "pairs": scores["pairs"], "figures": figures, "intervals": {}}


def _header(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """As a hub reads it. `license: other` because the training set and the start decide it."""
    results = [
        {
            "task": {"type": "image-segmentation", "name": "Salient object detection"},
            "dataset": {"type": row["dataset"].lower(), "name": row["dataset"]},
            "metrics": [
                {"type": key, "name": LABELS[key], "value": round(value, 4)}
                for key, value in row["figures"].items()
            ],
        }
        for row in rows
    ]
    header = {
        "license": "other",
        "library_name": "salient",
        "pipeline_tag": "image-segmentation",
        "tags": ["salient-object-detection", "background-removal", "transformers.js", "onnx"],
    }
    return header | ({"model-index": [{"name": name, "results": results}]} if rows else {})


def _table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "Not scored."
    keys = [key for key in LABELS if key in rows[0]["figures"]]
    lines = ["| Set | Pairs | " + " | ".join(LABELS[key] for key in keys) + " |"]
    lines.append("|---" * (len(keys) + 2) + "|")
    for row in rows:
        cells = [f"{row['figures'][key]:.4f}{_bounds(row['intervals'].get(key))}" for key in keys]
        lines.append(f"| {_cell(row['dataset'])} | {row['pairs']} | " + " | ".join(cells) + " |")
    if any(row["intervals"] for row in rows):
        lines += ["", "In brackets: 95 % bootstrap intervals over the pictures of the set."]
    return "\n".join(lines)


def _bounds(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f" ({bounds[0]:.4f} to {bounds[1]:.4f})"


def _cell(value: str) -> str:
    return printable(str(value)).replace("|", "\\|").replace("<", "&lt;")[:400]
