"""A folder that is watched: what comes into it, what changes, and what is still being written."""

from __future__ import annotations

import csv
from functools import partial

import numpy as np
from PIL import Image

from salient.detection import watching
from salient.detection.listing import find_pictures
from salient.detection.watching import changes, stamps
from tests.fixtures.photos import as_file, draw_disc

DISC = as_file(draw_disc())


def after_each_look(*actions):
    """A pause that does one thing after the other, and then ends it as Ctrl-C does."""
    waiting = list(actions)

    def pause():
        if not waiting:
            raise KeyboardInterrupt
        action = waiting.pop(0)
        if action:
            action()

    return pause


def test_new_and_changed_pictures_are_given_when_they_are_whole(tmp_path):
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    one.write_bytes(DISC)
    find = partial(find_pictures, tmp_path, tmp_path / "out")
    actions = (
        None,  # nothing is new
        lambda: two.write_bytes(DISC[:100]),
        lambda: two.write_bytes(DISC),
        None,  # whole: two
        lambda: one.write_bytes(DISC + b" "),
        None,  # changed: one
        None,
    )
    given = []
    try:
        for targets in changes(find, stamps([one]), after_each_look(*actions)):
            given.append({path.name: target.name for path, target in targets.items()})
    except KeyboardInterrupt:
        pass
    assert given == [{"two.png": "two.png"}, {"one.png": "one.png"}]


def test_predict_watches_an_empty_folder_until_ctrl_c(call, tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    picture = tmp_path / "in/a.png"
    actions = (
        None,
        lambda: picture.write_bytes(b"no picture"),
        None,  # it fails
        lambda: picture.write_bytes(DISC),
        None,  # and is mended
        None,
    )
    monkeypatch.setattr(watching, "_sleep", after_each_look(*actions))
    options = ("watch=true", "output=out", "summary=found.csv", "checkpoint=fast")
    said = call(tmp_path, "predict", "in", *options).stdout
    assert "watching for more pictures" in said and "in/a.png: in/a.png: not a readable" in said
    assert "in/a.png: out/a.png" in said
    assert np.asarray(Image.open(tmp_path / "out/a.png")).max() > 200
    with (tmp_path / "found.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["stands_out"] == "true" and 0.5 < float(row["predicted_iou"]) < 1
    wrong = call(tmp_path, "predict", "in/a.png", "watch=true", fails=True).stderr
    assert "watch: needs folders as input and output" in wrong
