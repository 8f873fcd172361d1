"""The page's arithmetic, run by Node, against OpenCV's and this project's own."""

from __future__ import annotations

import json
import shutil
import subprocess

import cv2
import numpy as np
import pytest

from salient.data.transforms import squash, to_map
from salient.detection.cutout import Cutout
from salient.detection.presence import stands_out
from salient.serving.page import read_part

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="no Node here")
SIZES = [(150, 200), (60, 640), (300, 90), (384, 192), (50, 40), (192, 192), (331, 457)]


def run_node(program, **values):
    """What a program returns, after the page's arithmetic and with `values` as JSON."""
    scripts = "\n".join(map(read_part, ("pixels.js", "cutout.js")))
    lines = f"{scripts}\nconst given = {json.dumps(values)};\n"
    text = f"{lines}console.log(JSON.stringify((() => {{ {program} }})()));"
    done = subprocess.run(["node", "-"], input=text, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def smooth(rng, height, width, channels):
    """A picture with shapes and fine grain."""
    coarse = rng.integers(0, 256, (9, 9, channels), np.uint8)
    large = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = rng.integers(-30, 31, (height, width, channels))
    return (large.reshape(height, width, channels) + grain).clip(0, 255).astype(np.uint8)


def test_a_picture_is_squashed_as_for_the_network():
    rng = np.random.default_rng(0)
    pictures = [smooth(rng, *size, 4) for size in SIZES]
    program = """return given.pictures.map(([rgba, width, height]) =>
        [...squash(rgba, width, height, 192, "area")]);"""
    sent = [[p.ravel().tolist(), p.shape[1], p.shape[0]] for p in pictures]
    for picture, found in zip(pictures, run_node(program, pictures=sent)):
        wanted = squash(np.ascontiguousarray(picture[..., :3]), 192, "area")
        off = np.abs(np.reshape(found, wanted.shape) - wanted.astype(int))
        assert off.max() <= 1 and (off > 0).mean() < 0.3, picture.shape


def test_probabilities_become_the_map_of_a_picture():
    rng = np.random.default_rng(0)
    square = cv2.GaussianBlur(rng.random((192, 192)).astype(np.float32), (0, 0), 3)
    program = """return given.sizes.map(([height, width]) =>
        [...toMap(given.square, 192, width, height)]);"""
    found = run_node(program, square=square.ravel().tolist(), sizes=SIZES)
    for size, pixels in zip(SIZES, found):
        assert np.abs(np.reshape(pixels, size) - to_map(square, size).astype(int)).max() <= 1


def test_whether_anything_stands_out_is_judged_as_here():
    rng = np.random.default_rng(0)
    cases = []
    for k, (height, width) in enumerate(SIZES):
        saliency = cv2.GaussianBlur(smooth(rng, height, width, 1)[..., 0], (0, 0), 5)
        edge = np.full_like(saliency, (20, 128, 200)[k % 3])
        cases.append((saliency, edge))
    cases.append((np.zeros((50, 50), np.uint8), np.full((50, 50), 255, np.uint8)))
    cases.append((np.full((50, 50), 255, np.uint8),) * 2)
    program = "return given.cases.map(([map, edge, w, h]) => standsOut(map, edge, w, h));"
    sent = [[*(x.ravel().tolist() for x in case), *case[0].shape[::-1]] for case in cases]
    found = run_node(program, cases=sent)
    assert found == [stands_out(*case) for case in cases] and len(set(found)) == 2


@pytest.mark.parametrize("background", [None, "blur", "10,20,30"])
def test_a_cutout_is_predicts(background):
    rng = np.random.default_rng(0)
    picture = smooth(rng, 120, 160, 3)
    saliency = np.zeros((120, 160), np.uint8)
    cv2.circle(saliency, (60, 60), 35, 255, -1)
    cv2.circle(saliency, (140, 100), 5, 255, -1)
    saliency = cv2.GaussianBlur(saliency, (0, 0), 4)
    wanted = Cutout(background, 0.4, 0.7, 0.02)(picture, saliency, saliency)
    program = """const chosen = { threshold: 0.4, feather: 0.7, min_area: 0.02 };
        const alpha = alphaOf(given.map, chosen);
        cutParts(alpha, given.map, 160, 120, chosen, []);
        return [...drawCutout(given.rgba, alpha, 160, 120, given.background)];"""
    rgba = np.dstack([picture, np.full((120, 160), 255, np.uint8)])
    way = {None: "transparent", "10,20,30": [10, 20, 30]}.get(background, background)
    sent = {"rgba": rgba.ravel().tolist(), "map": saliency.ravel().tolist(), "background": way}
    found = np.reshape(run_node(program, **sent), (120, 160, 4))
    channels = wanted.shape[2]
    assert np.abs(found[..., :channels] - wanted.astype(int)).max() <= 1
    assert channels == 4 or (found[..., 3] == 255).all()


def test_parts_are_told_apart_by_the_threshold_and_erased_with_their_border():
    program = """const alpha = alphaOf(given.map, given.chosen);
        const { labels, parts, gone } = cutParts(
            alpha, given.map, 9, 1, given.chosen, given.erased);
        return [[...alpha].map((a) => Math.round(a * 100)), [...labels], parts.length, gone];"""
    row = [0, 90, 200, 90, 60, 90, 250, 90, 0]  # two peaks with a haze between
    chosen = {"threshold": 0.5, "feather": 1, "min_area": 0}
    alpha, labels, count, gone = run_node(program, map=row, chosen=chosen, erased=[])
    assert (labels, count, gone) == ([0, 1, 1, 1, 1, 2, 2, 2, 0], 3, [False] * 3)
    assert alpha == [0, 35, 78, 35, 24, 35, 98, 35, 0]
    alpha, _, _, gone = run_node(program, map=row, chosen=chosen, erased=[[0.28, 0.5]])
    assert gone == [False, True, False] and alpha == [0, 0, 0, 0, 0, 35, 98, 35, 0]
    chosen["min_area"] = 0.9  # of one part, since the haze joins them
    assert run_node(program, map=row, chosen=chosen, erased=[])[0] == [0] * 9
