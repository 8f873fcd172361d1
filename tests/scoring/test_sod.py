"""The 300 maps of DSS on SOD against the per-image figures its evaluators published."""

import json
import zipfile

import numpy as np
import pytest

from salient.data.pairs import Pair
from salient.metrics import SaliencyMetrics
from salient.metrics.thresholds import f_of
from salient.scoring.published import in_words, outcomes
from salient.scoring.score import score_predictions
from salient.scoring.sources import from_files
from tests.fixtures.commands import SHARED

ARCHIVE, PUBLISHED = SHARED / "data" / "SOD.zip", SHARED / "reference" / "sod_dss_published.json"
MATLAB = SHARED / "reference" / "matlab" / "DSS.mat"
pytestmark = pytest.mark.skipif(
    not (ARCHIVE.exists() and PUBLISHED.exists()), reason="SOD and DSS's maps are not at ../shared"
)


@pytest.fixture(scope="module")
def published():
    return json.loads(PUBLISHED.read_text())["DSS"]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sod")
    with zipfile.ZipFile(ARCHIVE) as archive:
        names = [name for name in archive.namelist() if "/images/" not in name]
        archive.extractall(folder, names)
    predictions = sorted((folder / "SOD" / "predictions" / "DSS").iterdir())
    masks = [folder / "SOD" / "masks" / path.name for path in predictions]
    return predictions, [Pair(mask.stem, mask, mask) for mask in masks]


@pytest.mark.parametrize("normalize", [True, False])
def test_every_image_has_its_published_mae_and_s(pairs, published, normalize):
    """No image differs. Every map spans 0..255, so min-max normalisation changes none of them, and
    no mask has a value in 1..254, so no threshold does."""
    scores = [scores for _, scores in score_predictions(from_files(*pairs), normalize=normalize)]
    assert len(scores) == 300
    assert not any(s.resized for s in scores)
    for ours, theirs in (("mae", "MAE_image"), ("sm", "S_measure_image")):
        mine = np.array([s.figures[ours] for s in scores])
        np.testing.assert_allclose(mine, published[theirs], rtol=0, atol=1e-9, err_msg=ours)


def test_the_published_row(pairs, published):
    """Their maximum F is that of the mean precision and recall, `max_f="pooled"`."""
    metrics = SaliencyMetrics(max_f="pooled")
    for _, scores in score_predictions(from_files(*pairs)):
        metrics.add(scores)
    row = metrics.compute()
    expected = {
        "mae": "MAE", "sm": "S_measure", "max_f": "maxF", "adaptive_f": "meanF_adaptive"
    }  # fmt: skip
    for ours, theirs in expected.items():
        assert float(row[ours]) == pytest.approx(published[theirs], abs=1e-9), ours


def test_every_image_has_the_curves_of_the_matlab_evaluator(pairs):
    """MAE, S, adaptive F, precision and recall of each picture; there by falling threshold."""
    io = pytest.importorskip("scipy.io")
    if not MATLAB.exists():
        pytest.skip("the MATLAB results are not at ../shared")
    theirs = io.loadmat(MATLAB)
    scores = [scores for _, scores in score_predictions(from_files(*pairs))]
    for key, name in (("mae", "MAE_image"), ("sm", "S_measure_image")):
        ours = [each.figures[key] for each in scores]
        np.testing.assert_allclose(ours, theirs[name].ravel(), rtol=0, atol=1e-12, err_msg=name)
    adaptive = [each.figures["adaptive_f"] for each in scores]
    np.testing.assert_allclose(adaptive, theirs["mean_Fmeasure_image"][:, 2], rtol=0, atol=1e-12)
    for key, name in (("precision", "Pre_image"), ("recall", "Recall_image")):
        ours = np.array([each.curves[key][::-1] for each in scores])
        np.testing.assert_allclose(ours, theirs[name], rtol=0, atol=1e-12, err_msg=name)
    means = (
        np.mean([each.curves[key] for each in scores], axis=0) for key in ("precision", "recall")
    )
    best = float(f_of(*means).max())
    assert best == pytest.approx(float(theirs["MaxFmeasure"].item()), abs=1e-9)


def test_the_convention_of_the_published_row_is_named(pairs):
    met = [
        one for one in outcomes(from_files(*pairs)) if not any(one.misses([0.121, 0.751, 0.844]))
    ]
    assert {one.choices[-1] for one in met} == {"max F pooled"}
    assert len(in_words(met)) == 1  # every other choice gives the same digits
