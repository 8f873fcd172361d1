"""eval.py as a user runs it, on the embedded sample: networks, saved maps, several processes."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from salient.scoring import results as saving
from salient.weights.store import read_metadata
from tests.fixtures.commands import ROOT


def test_eval_prints_and_saves_the_table_with_a_baseline(run, trained):
    last = ("checkpoint=last", "output=out", "workers=0")
    done = run(trained, "eval.py", "dataset=sample", "baseline=true", *last)
    results = json.loads((trained / "out/results.json").read_text())
    (bounds,) = (methods["ours"] for methods in results["intervals"].values())
    for key, (low, high) in bounds.items():
        assert low <= results["rows"][-1][key] <= high
    assert set(bounds) == {"mae", "sm", "max_f", "weighted_f"}
    baseline, ours = results["rows"]
    assert (baseline["method"], ours["method"]) == ("centred Gaussian", "ours")
    assert ours["pairs"] == 32 and all(0 <= ours[k] <= 1 for k in ("mae", "sm", "max_f"))
    assert f"{ours['weighted_f']:.4f}" in done.stdout
    assert (trained / "out/table.md").read_text().count("|") > 20
    assert "maximum of the mean F curve" in done.stdout and "Network: checkpoints" in done.stdout
    line = r"network: checkpoints/demo.safetensors, 64 px, trained as demo on \d\d pairs"
    assert re.search(line, done.stdout)
    names = {path.name for path in (trained / "out").iterdir()}
    assert names == {
        *("results.json", "table.md", "table.tex", "table.csv"),
        *("images.csv", "curves.csv", "curves.png", "report.html"),
        *("leaderboard.md", "leaderboard.csv", "leaderboard.tex"),
    }
    page = (trained / "out/report.html").read_text()
    digest = hashlib.sha256((trained / "checkpoints/demo.safetensors").read_bytes()).hexdigest()
    assert digest in page and "32 pictures" in page and "eval.py dataset=sample" in page
    assert f"{ours['weighted_f']:.4f}" in page
    with (trained / "out/images.csv").open() as file:
        images = list(csv.DictReader(file))
    assert len(images) == 64
    mean = np.mean([float(image["mae"]) for image in images if image["method"] == "ours"])
    assert mean == pytest.approx(ours["mae"], abs=1e-9)


def test_eval_of_the_pairs_that_training_left_out(call, trained):
    """Its figures are those of the run's last validation."""
    metadata = read_metadata(trained / "checkpoints/demo.safetensors")
    share = json.loads(metadata["config"])["loader"]["held_out"]
    config = ("dataset=sample_train", "checkpoint=last", "workers=0", "output=held")
    call(trained, "eval", *config, f"held_out={share}")
    (row,) = json.loads((trained / "held/results.json").read_text())["rows"]
    validated = json.loads(metadata["validation"])
    assert row["dataset"].endswith("held out")
    for key in ("mae", "sm", "max_f", "weighted_f"):
        assert row[key] == pytest.approx(validated[f"val/{key}"], abs=1e-5)
    done = call(trained, "eval", *config, "held_out=1e-9", fails=True)
    assert "held_out=1e-09: no pair of" in done.stderr
    done = call(trained, "eval", *config, "held_out=1", fails=True)
    assert "held_out must be below 1, got 1" in done.stderr


def test_eval_of_a_folder_and_of_missing_sets(call, trained):
    sample = trained / "data/sample/test"
    folder = [f"images={sample}/images", f"masks={sample}/masks", "title=mine", "workers=0"]
    done = call(trained, "eval", "dataset=folder", *folder, "output=mine")
    assert "mine" in done.stdout
    done = call(trained, "eval", "dataset=ecssd", fails=True)
    assert "error: ECSSD: no folders data/ECSSD/images" in done.stderr
    assert "cse.cuhk.edu.hk" in done.stderr and "Traceback" not in done.stderr
    done = call(trained, "eval", "dataset=[sod,sample]", "workers=0", "output=both")
    assert "not scored: SOD: no folders" in done.stdout and "sample" in done.stdout
    done = call(trained, "eval", "dataset=all", fails=True)
    assert done.stderr.count(": no folder") == 7


@pytest.fixture(scope="module")
def saved(call, trained):
    """The rows of the network, which also saved its maps in saved/maps/sample."""
    call(trained, "eval", "dataset=sample", "save_maps=true", "output=saved", "workers=0")
    return json.loads((trained / "saved/results.json").read_text())["rows"]


def without_method(row):
    return {key: value for key, value in row.items() if key != "method"}


def test_saved_maps_give_the_digits_of_the_network(call, trained, saved):
    call(trained, "eval", "dataset=sample", "predictions=saved/maps", "output=again")
    (again,) = json.loads((trained / "again/results.json").read_text())["rows"]
    assert again["method"] == "maps" and without_method(again) == without_method(saved[0])
    folder = ["dataset=folder", "title=mine", f"masks={trained}/data/sample/test/masks"]
    call(trained, "eval", *folder, "predictions=saved/maps/sample", "output=mine")
    (mine,) = json.loads((trained / "mine/results.json").read_text())["rows"]
    assert mine | {"dataset": "sample"} == again | {"method": "sample"}


def test_two_processes_give_the_same_digits(run, trained, saved):
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    command = (str(ROOT / "eval.py"), "dataset=sample", "workers=0")
    run(trained, *launch, *command, "predictions=saved/maps", "output=two")
    (two,) = json.loads((trained / "two/results.json").read_text())["rows"]
    assert without_method(two) == without_method(saved[0])
    one, both = (
        (trained / f"{folder}/images.csv").read_text().replace(",ours,", ",maps,")
        for folder in ("saved", "two")
    )
    assert [line.rpartition(",")[0] for line in one.splitlines()] == [
        line.rpartition(",")[0] for line in both.splitlines()
    ]  # all but the IoU that the network predicts, which saved maps do not have
    pages = [(trained / f"{folder}/report.html").read_text() for folder in ("saved", "two")]
    one, both = (re.search(r'id="data">(.+?)</script>', page)[1] for page in pages)
    assert one.replace('"name":"ours"', '"name":"maps"') == both  # the albums of both processes


def test_saved_maps_of_several_methods_have_a_leaderboard(call, trained, saved):
    sample = trained / "data/sample/test"
    folder = [f"images={sample}/images", f"masks={sample}/masks", "title=mine"]
    methods = "predictions={one: saved/maps/sample, other: saved/maps/sample}"
    call(trained, "eval", "dataset=[sample,folder]", *folder, methods, "output=many")
    with (trained / "many/leaderboard.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["method"] for line in lines] == ["one", "other"]
    assert {line["sample mae rank"] for line in lines} == {"1"} == {lines[0]["mine sm rank"]}
    text = (trained / "many/leaderboard.md").read_text()
    assert f"**{saved[0]['mae']:.4f}** (1)" in text and "mine weighted F" in text
    page = (trained / "many/report.html").read_text()
    assert "Checkpoint" not in page and page.count("<section") == 8


def test_the_report_can_be_left_out_and_names_what_it_lacks(call, trained, saved, monkeypatch):
    scoring = ("eval", "dataset=sample", "predictions=saved/maps")
    call(trained, *scoring, "report_pictures=0", "output=bare")
    assert not (trained / "bare/report.html").exists()
    done = call(trained, *scoring, "report_pictures=-1", fails=True)
    assert "error: report_pictures must be at least 0, got -1" in done.stderr
    find = saving.find_spec
    monkeypatch.setattr(saving, "find_spec", lambda name: name != "jinja2" and find(name))
    done = call(trained, *scoring, "output=without")
    assert (
        "no report.html: it needs jinja2; in a checkout of salient-sod: pip install '.[score]'"
        in done.stdout
    )
    assert not (trained / "without/report.html").exists()


def test_methods_side_by_side_sizes_and_conventions(call, trained, saved):
    half = trained / "half"
    shutil.copytree(trained / "saved/maps/sample", half)
    for path in sorted(half.iterdir())[:3]:
        with Image.open(path) as image:
            image.resize((50, 40)).save(path)
    methods = "predictions={whole: saved/maps, half: half}"
    conventions = ("metrics.max_f=image", "metrics.normalize=false")
    done = call(trained, "eval", "dataset=sample", methods, *conventions, "output=side")
    results = json.loads((trained / "side/results.json").read_text())
    whole, half = results["rows"]
    assert (whole["method"], half["method"]) == ("whole", "half")
    assert (whole["resized"], half["resized"]) == (0, 3)
    assert results["metrics"] == {"max_f": "image", "normalize": False}
    with (trained / "side/images.csv").open() as file:
        best = [float(row["max_f"]) for row in csv.DictReader(file) if row["method"] == "whole"]
    assert whole["max_f"] == pytest.approx(np.mean(best), abs=1e-12)  # each picture's best
    assert "mean of each picture's best F" in done.stdout
    assert "half: 3 maps were resized to their masks" in done.stdout
    assert "**" in done.stdout and r"\textbf{" in (trained / "side/table.tex").read_text()


def test_averaging_is_a_row_of_its_own(call, trained, saved):
    call(trained, "eval", "dataset=sample", "tta=flip", "output=flip", "workers=0")
    plain, averaged = json.loads((trained / "flip/results.json").read_text())["rows"]
    assert [plain] == saved and (plain["method"], averaged["method"]) == ("ours", "ours, flip")
    assert averaged["mae"] != plain["mae"]


def test_bad_maps_and_conventions_are_refused_by_name(call, trained, saved, tmp_path):
    some = tmp_path / "some"
    shutil.copytree(trained / "saved/maps/sample", some)
    gone = sorted(some.iterdir())[4]
    gone.unlink()
    done = call(trained, "eval", "dataset=sample", f"predictions={some}", fails=True)
    assert f"sample: 1 of 32 maps are not in {some}: {gone.stem}" in done.stderr
    broken = sorted(some.iterdir())[0]
    broken.with_name(gone.name).write_bytes(broken.read_bytes()[:60])
    done = call(trained, "eval", "dataset=sample", f"predictions={some}", fails=True)
    assert f"{gone.name}: not a readable picture" in done.stderr
    done = call(trained, "eval", "dataset=sample", "metrics.max_f=best", fails=True)
    assert (
        "metrics.max_f must be 'curve', 'pooled' or 'image', got 'best'" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_figures_are_chosen_by_name(call, trained, tmp_path):
    """They are columns of the table, in the CSV files, and in the report with their intervals."""
    output = tmp_path / "chosen"
    network = ("checkpoint=fast", "engine=onnx", f"output={output}")
    call(trained, "eval", "dataset=sample", "baseline=true", "figures=max_dice,hce", *network)
    row = json.loads((output / "results.json").read_text())["rows"][0]
    assert 0 < row["max_dice"] <= 1 and row["hce"] > 0 and "max_iou" not in row
    table = (output / "table.md").read_text()
    assert "| max Dice" in table and "| HCE" in table
    assert "size-invariant" not in table and "HCE" in (output / "leaderboard.md").read_text()
    assert "max Dice" in (output / "report.html").read_text()
    done = call(trained, "eval", "dataset=sample", "figures=max_dise", fails=True)
    assert "figures: max_dise: no such figure; did you mean max_dice?" in done.stderr
