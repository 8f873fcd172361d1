"""The folder for hubs: what is in it, and what loads it. It is written once."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from salient import Detector, load_network, save_network
from salient.detection.load import load_engine
from salient.export import export_folder
from salient.weights import find_checkpoint, hub
from salient.weights.find import BOX
from tests.fixtures.commands import ROOT
from tests.fixtures.networks import small_network
from tests.fixtures.photos import as_file, draw_disc

FIGURES = {"mae": 0.1, "sm": 0.2, "max_f": 0.3, "weighted_f": 0.4}


@pytest.fixture(scope="module")
def folder(call, exported, tmp_path_factory):
    """What `salient export output=mine/` writes of `exported`'s network."""
    work = tmp_path_factory.mktemp("folder")
    network, onnx = load_network(exported / "a.safetensors"), (exported / "a.onnx").read_bytes()
    save_network(network, work / "a.safetensors", {"name": "a", "pairs": 7})
    (work / "photos").mkdir()
    (work / "photos/disc.png").write_bytes(as_file(draw_disc()))
    rows = [{"dataset": "SOD|x", "method": m, "pairs": 300, **FIGURES} for m in ("ours", "other")]
    results = {"rows": rows, "intervals": {"SOD|x": {"ours": {"mae": [0.05, 0.15]}}}}
    (work / "results.json").write_text(json.dumps(results))
    where = ("checkpoint=a.safetensors", "output=mine/", "int8=photos", "results=results.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("salient.export.folder.write_onnx", lambda network: onnx)
        assert "largest difference on 1 pictures" in call(work, "export", *where).stdout
    return work / "mine"


def test_it_detects_as_the_checkpoint_does(folder):
    squares = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    wanted = load_engine(folder.parent / "a.safetensors", "cpu", engine="torch").run(squares)
    found = {"": load_engine(folder, "cpu")}
    found |= {path.stem: load_engine(path, "cpu") for path in (folder / "onnx").iterdir()}
    assert {found[""].name, *found} == {
        *("onnxruntime fp32", "", "model", "model_fp16", "model_quantized")
    }
    for name, engine in found.items():
        off = np.abs(engine.run(squares).saliency - wanted.saliency).max()
        assert off < {"model_fp16": 1e-3, "model_quantized": 0.05}.get(name, 1e-4), name
    files = (folder, folder.parent / "a.safetensors")
    ours, theirs = (load_network(path).state_dict() for path in files)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)  # 32 bits stay so
    sizes = [(folder / f"onnx/model{name}.onnx").stat().st_size for name in ("", "_fp16")]
    assert sizes[1] < 0.55 * sizes[0]


def test_the_card_has_figures_and_hashes(folder):
    text = (folder / "README.md").read_text()
    _, header, body = text.split("---\n", 2)
    (result,) = yaml.safe_load(header)["model-index"][0]["results"]
    assert [metric["value"] for metric in result["metrics"]] == list(FIGURES.values())
    assert "| SOD\\|x | 300 | 0.1000 (0.0500 to 0.1500) | 0.2000 |" in body
    assert "| Pairs | 7 |" in body and "HASHES" not in body
    names = [f"onnx/{file.name}" for file in (folder / "onnx").iterdir()]
    for name in ("model.safetensors", *names):
        assert f"| `{name}` | `{sha256((folder / name).read_bytes()).hexdigest()}` |" in body


def test_a_hubs_id_is_a_checkpoint_everywhere(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    package = SimpleNamespace(snapshot_download=lambda name, **options: str(folder))
    monkeypatch.setattr(hub, "find_spec", lambda name: name == "huggingface_hub")
    monkeypatch.setattr(hub, "import_module", lambda name: package)
    assert find_checkpoint("me/mine") == folder
    with pytest.raises(FileNotFoundError, match="checkpoint=checkpoints/none.pt: no such file"):
        find_checkpoint("checkpoints/none.pt")


def test_it_is_pushed_to_a_hub_and_loaded_from_there(folder, monkeypatch, tmp_path):
    """A stand-in takes the place of the hub."""
    huggingface = pytest.importorskip("huggingface_hub")
    from salient.export import hub as module

    def upload(self, repo_id, folder_path, **options):
        assert repo_id == "me/mine"
        shutil.copytree(folder_path, tmp_path / "hub")

    def copy(*arguments):
        shutil.copytree(folder, arguments[1], dirs_exist_ok=True)

    def create(self, repo_id, **options):
        return SimpleNamespace(repo_id=repo_id)

    monkeypatch.setattr(module, "export_folder", copy)
    monkeypatch.setattr(huggingface.HfApi, "create_repo", create)
    monkeypatch.setattr(huggingface.HfApi, "upload_folder", upload)
    module.HubModel(folder).push_to_hub("me/mine")
    files = [{p.name for p in path.rglob("*.*")} for path in (folder, tmp_path / "hub")]
    assert files[0] == files[1]
    asked = {}

    def download(name, **options):
        asked.update(options)
        return str(tmp_path / "hub")

    monkeypatch.setattr(module, "snapshot_download", download)
    config = "huggingface_hub.hub_mixin.hf_hub_download"
    monkeypatch.setattr(config, lambda **options: folder / "config.json")
    again = module.HubModel.from_pretrained("me/mine", revision="v1")
    assert again.checkpoint == tmp_path / "hub" and asked["revision"] == "v1"
    assert again.network.size == 64


def test_torch_hub_loads_the_checkout(folder):
    detector = torch.hub.load(str(ROOT), "detector", source="local", checkpoint=str(folder))
    assert isinstance(detector, Detector) and detector.engine.size == 64
    network = torch.hub.load(str(ROOT), "network", source="local", checkpoint=str(folder))
    assert network.size == 64


def load_remote_code(folder, monkeypatch, transformers):
    """The folder's class, as transformers would import it: as a package of its own."""
    monkeypatch.setitem(sys.modules, "transformers", transformers)
    package = ModuleType("of_a_hub")
    package.__path__ = [str(folder)]
    monkeypatch.setitem(sys.modules, "of_a_hub", package)
    return importlib.import_module("of_a_hub.modeling_salient")


def test_its_code_gives_our_maps_without_this_package(folder, monkeypatch):
    class Config:
        def __init__(self, **options):
            vars(self).update(options)

    class Model(nn.Module):
        def __init__(self, config):
            super().__init__()

        def post_init(self):
            pass

    stand_in = SimpleNamespace(PretrainedConfig=Config, PreTrainedModel=Model)
    for file in folder.glob("*.py"):
        assert "from salient" not in file.read_text(), file
    module = load_remote_code(folder, monkeypatch, stand_in)
    settings = json.loads((folder / "config.json").read_text())
    model = module.SalientModel(module.SalientConfig(**settings)).eval()
    network = load_network(folder)
    model.network.load_state_dict(network.state_dict())
    assert type(model.network).__module__ == "of_a_hub.salient_model_boundary"
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(model(image)[-1], network(image).saliency[0])


def test_transformers_loads_it(folder, monkeypatch, tmp_path):
    transformers = pytest.importorskip("transformers")
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path))
    auto = transformers.AutoModelForImageSegmentation
    model = auto.from_pretrained(str(folder), trust_remote_code=True).eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        ours = load_network(folder)(image).saliency[0]
        torch.testing.assert_close(model(image)[-1], ours, atol=1e-4, rtol=0)


def test_transformers_js_loads_it(folder, tmp_path):
    if not (ROOT / "node_modules/@huggingface/transformers").is_dir():
        pytest.skip("no transformers.js here: npm install @huggingface/transformers")
    program = f"""
        import {{ pipeline, env }} from "@huggingface/transformers";
        env.localModelPath = {str(folder.parent)!r}; env.allowRemoteModels = false;
        for (const dtype of ["fp32", "fp16", "q8"]) {{
            const cut = await pipeline("background-removal", "mine", {{ dtype }});
            const picture = await cut({str(folder.parent / "photos/disc.png")!r});
            console.log(picture.width, picture.height, picture.channels);
        }}"""
    node = ["node", "--input-type=module", "-e", program]
    done = subprocess.run(node, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.stdout.split("\n")[:3] == ["200 150 4"] * 3, done.stderr


def test_rembg_loads_the_bundled_file(tmp_path, monkeypatch):
    rembg = pytest.importorskip("rembg")
    from PIL import Image

    picture, file = draw_disc(), tmp_path / "best.onnx"  # rembg takes files in its own folder
    file.write_bytes((BOX / "best.onnx").read_bytes())
    monkeypatch.setenv("REMBG_HOME", str(tmp_path))
    session = rembg.new_session("u2net_custom", model_path=str(file))
    theirs = np.asarray(rembg.remove(Image.fromarray(picture), session=session, only_mask=True))
    ours = Detector.load("best", "cpu")(picture).saliency
    both, either = (ours > 127) & (theirs > 127), (ours > 127) | (theirs > 127)
    assert both.sum() / either.sum() > 0.8


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("output=b/", "half=true"), "output=b/: half, runtime and content are not for folders"),
        (("output=b.onnx", "results=results.json"), "results: only for output=FOLDER/"),
        (("output=b/", "results=none.json"), "results=none.json: no such file; salient eval"),
        (("output=b/", "results=a.safetensors"), "results=a.safetensors: not a results.json"),
    ],
)
def test_what_is_refused(call, folder, arguments, reason):
    done = call(folder.parent, "export", "checkpoint=a.safetensors", *arguments, fails=True)
    assert reason in done.stderr and not (folder.parent / "b").exists()


def test_weights_of_16_bits_stay_so(tmp_path, monkeypatch):
    from salient.export import folder as module

    monkeypatch.setattr(module, "write_onnx", lambda network: b"onnx")
    monkeypatch.setattr(module, "convert_to_half", lambda content, network: b"half")
    network = small_network(group=1024).half().float()
    save_network(network, tmp_path / "a.safetensors", half=True)
    export_folder(tmp_path / "a.safetensors", tmp_path / "b")
    sizes = [(tmp_path / name).stat().st_size for name in ("a.safetensors", "b/model.safetensors")]
    assert abs(sizes[1] - sizes[0]) < 200
    assert not (tmp_path / "b/onnx/model_quantized.onnx").exists()
    assert Path(tmp_path / "b/README.md").read_text().count("Not scored.") == 1
