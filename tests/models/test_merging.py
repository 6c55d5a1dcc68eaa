"""Merged checkpoints: the formulas to the bit, what comes from where, and that nothing half-written is ever left."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sdui.core.errors import Interrupted, ModelFileError, ModelNotFound, OutputError, RequestError
from sdui.core.events import ModelSaved, Notice, Progress, Stop, StopToken
from sdui.core.merging import ADD_DIFFERENCE, NO_INTERPOLATION, MergeRequest
from sdui.models import tensor_parts
from sdui.models.files import ModelFiles
from sdui.models.merging import merge

ROOT = Path(__file__).parents[2]
UNET = "model.diffusion_model."
FIRST = f"{UNET}input_blocks.0.0.weight"
POSITIONS = "cond_stage_model.transformer.text_model.embeddings.position_ids"
DECODER = "first_stage_model.decoder.conv_in.weight"


def weights(seed: int, dtype=torch.float32, channels: int = 4) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(dtype)

    return {
        FIRST: some(8, channels, 3, 3),
        f"{UNET}out.2.bias": some(4),
        DECODER: some(6, 4, 3, 3),
        POSITIONS: (torch.arange(77)[None] + seed).to(dtype),
        "model_ema.num_updates": torch.tensor(seed),
        "alphas_cumprod": some(10),
    }


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "vae").mkdir()
    return tmp_path / "checkpoints"


@pytest.fixture
def files(folder) -> ModelFiles:
    return ModelFiles({"checkpoint": [folder], "vae": [folder.parent / "vae"]}, folder.parent / "cache")


@pytest.fixture
def run(files):
    def run(events=None, stop=None, any_path=False, **values) -> Path:
        names = {"primary": "a", "secondary": "b", "tertiary": "c"}
        request = MergeRequest(**(names | {"output": "out"} | values))
        return Path(merge(request, files, (events or []).append, stop or StopToken(), any_path).path)

    return run


def put(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    save_file(tensors, path, {"format": "pt"} | (metadata or {}))


def three(folder: Path, dtype=torch.float32) -> list[dict[str, torch.Tensor]]:
    made = [weights(seed, dtype) for seed in (1, 2, 3)]
    for name, tensors in zip("abc", made, strict=True):
        put(folder / f"{name}.safetensors", tensors)
    return made


def metadata_of(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return file.metadata() or {}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("half", [False, True])
def test_weighted_sum_is_the_formula_in_float32(run, folder, dtype, half):
    a, b, _ = three(folder, dtype)
    merged = load_file(run(multiplier=0.37, half=half))
    assert list(merged) and merged.keys() == a.keys()
    for name in (FIRST, f"{UNET}out.2.bias", DECODER):
        expected = a[name].float() * (1 - 0.37) + b[name].float() * 0.37
        assert torch.equal(merged[name], expected.to(torch.float16 if half else dtype)), name


def test_add_difference_is_the_formula_in_float32(run, folder):
    a, b, c = three(folder, torch.float16)
    merged = load_file(run(method=ADD_DIFFERENCE, multiplier=0.85))
    for name in (FIRST, DECODER):
        expected = a[name].float() + (b[name].float() - c[name].float()) * 0.85
        assert torch.equal(merged[name], expected.half()), name


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(count=st.integers(0, 9), part=st.integers(1, 4), multiplier=st.floats(0, 1))
def test_parts_make_no_difference(folder, files, monkeypatch, count, part, multiplier):
    a, b = ({f"{UNET}x": torch.randn(count), f"{UNET}y": torch.randn(())} for _ in range(2))
    put(folder / "a.safetensors", a)
    put(folder / "b.safetensors", b)
    monkeypatch.setattr(tensor_parts, "PART", part)
    request = MergeRequest(primary="a", secondary="b", output="out", multiplier=multiplier, overwrite=True)
    merged = load_file(merge(request, files, lambda event: None, StopToken()).path)
    for name in a:
        assert torch.equal(merged[name], a[name] * (1 - multiplier) + b[name] * multiplier)


def test_counters_and_tables_come_from_a(run, folder):
    a, b, _ = three(folder)
    for tensors, name in ((a, "a"), (b, "b")):
        tensors[f"{UNET}only.in.{name}"] = torch.ones(3)
        put(folder / f"{name}.safetensors", tensors)
    merged = load_file(run())
    assert merged.keys() == a.keys()
    for name in (POSITIONS, "model_ema.num_updates", "alphas_cumprod", f"{UNET}only.in.a"):
        assert torch.equal(merged[name], a[name]), name


def test_what_c_lacks_has_no_difference(run, folder):
    a, _, c = three(folder)
    del c[DECODER]
    put(folder / "c.safetensors", c)
    assert torch.equal(load_file(run(method=ADD_DIFFERENCE))[DECODER], a[DECODER])


def test_half_spares_whole_numbers(run, folder):
    three(folder)
    merged = load_file(run(method=NO_INTERPOLATION, half=True))
    assert merged["model_ema.num_updates"].dtype == torch.int64
    assert {tensor.dtype for tensor in merged.values()} == {torch.int64, torch.float16}


def test_different_types_give_the_wider_one(run, folder):
    three(folder)
    put(folder / "b.safetensors", weights(2, torch.float16))
    assert load_file(run())[FIRST].dtype == torch.float32
    put(folder / "a.safetensors", weights(1, torch.float8_e4m3fn))
    assert load_file(run(overwrite=True))[FIRST].dtype == torch.float16


def test_text_encoders_of_old_files_are_found(run, folder):
    name = "cond_stage_model.transformer.{}final_layer_norm.weight"
    put(folder / "a.safetensors", {name.format(""): torch.ones(4)})
    put(folder / "b.safetensors", {name.format("text_model."): torch.zeros(4)})
    assert load_file(run(multiplier=0.5))[name.format("text_model.")].tolist() == [0.5] * 4


@pytest.mark.parametrize(("channels", "ending"), [(9, ".inpainting"), (8, ".instruct-pix2pix")])
@pytest.mark.parametrize("method", ["Weighted sum", ADD_DIFFERENCE])
def test_only_the_channels_of_the_picture_are_merged_into_a(run, folder, channels, ending, method):
    _, b, c = three(folder)
    a = weights(1, channels=channels)
    put(folder / "a.safetensors", a)
    path = run(method=method)
    assert path.name == f"out{ending}.safetensors"
    first = load_file(path)[FIRST]
    assert torch.equal(first[:, 4:], a[FIRST][:, 4:])
    plain = a[FIRST][:, :4]
    expected = plain * 0.7 + b[FIRST] * 0.3 if method != ADD_DIFFERENCE else plain + (b[FIRST] - c[FIRST]) * 0.3
    assert torch.equal(first[:, :4], expected)
    assert json.loads(metadata_of(path)["sd_merge_recipe"])["is_inpainting"] == (channels == 9)


@pytest.mark.parametrize(("channels", "what"), [(9, "an inpainting"), (8, "an InstructPix2Pix")])
def test_the_model_with_more_channels_must_be_a(run, folder, channels, what):
    three(folder)
    put(folder / "b.safetensors", weights(2, channels=channels))
    with pytest.raises(RequestError, match=f"b.safetensors is {what} checkpoint and a.safetensors is not"):
        run()


def test_other_shapes_are_named(run, folder):
    three(folder)
    put(folder / "b.safetensors", {DECODER: torch.zeros(6, 4, 1, 1)})
    with pytest.raises(RequestError, match=r"conv_in.weight is 6x4x3x3 in a.safetensors, 6x4x1x1 in b.safetensors"):
        run()
    put(folder / "b.safetensors", {"lora_unet.alpha": torch.zeros(1)})
    with pytest.raises(RequestError, match="no weights in common"):
        run()
    assert sorted(path.name for path in folder.iterdir()) == ["a.safetensors", "b.safetensors", "c.safetensors"]


def test_a_vae_is_baked_in(run, folder):
    a = three(folder)[0]
    vae = {"decoder.conv_in.weight": torch.ones(6, 4, 3, 3), "loss.logvar": torch.ones(()), "more": torch.ones(1)}
    put(folder.parent / "vae/sharp.vae.safetensors", vae)
    merged = load_file(run(method=NO_INTERPOLATION, bake_in_vae="sharp.vae.safetensors"))
    assert torch.equal(merged[DECODER], vae["decoder.conv_in.weight"])
    assert merged.keys() == a.keys()
    with pytest.raises(ModelNotFound, match=r"Bake in VAE: there is no 'x'. Known are sharp.vae.safetensors"):
        run(bake_in_vae="x", overwrite=True)
    put(folder.parent / "vae/other.safetensors", {"x": torch.ones(1)})
    with pytest.raises(RequestError, match=r"Bake in VAE: .*other.safetensors has no weights"):
        run(bake_in_vae="other", overwrite=True)


def test_weights_are_discarded_by_name(run, folder):
    three(folder)
    merged = load_file(run(discard_weights=r"^model_ema|alphas"))
    assert merged.keys() == {FIRST, f"{UNET}out.2.bias", DECODER, POSITIONS}
    with pytest.raises(RequestError, match="nothing would be left"):
        run(discard_weights=".", output="none")


def test_a_ckpt_file_says_the_same_and_can_be_merged_again(run, folder):
    three(folder)
    expected = load_file(run())
    path = run(format="ckpt")
    assert path.name == "out.ckpt"
    for mapped in (False, True):
        read = torch.load(path, weights_only=True, mmap=mapped)["state_dict"]
        assert read.keys() == expected.keys()
        assert all(torch.equal(read[name], expected[name]) for name in expected)
    again = run(method=NO_INTERPOLATION, primary=str(path), any_path=True, output="again")
    assert all(torch.equal(tensor, expected[name]) for name, tensor in load_file(again).items())
    torch.save(expected, folder / "old.pt", _use_new_zipfile_serialization=False)
    old = run(method=NO_INTERPOLATION, primary=str(folder / "old.pt"), any_path=True, output="from old")
    assert load_file(old).keys() == expected.keys()


def test_tensors_may_lie_in_files_in_any_way(run, folder, monkeypatch):
    monkeypatch.setattr(tensor_parts, "PART", 5)
    rows = torch.arange(24.0).view(4, 6)
    torch.save({"state_dict": {f"{UNET}x": rows.t(), f"{UNET}y": rows[1:3]}}, folder / "a.ckpt")
    put(folder / "b.safetensors", {f"{UNET}x": rows.t().contiguous() * 3, f"{UNET}y": rows[1:3] * 3})
    merged = load_file(run(primary=str(folder / "a.ckpt"), any_path=True, multiplier=0.5))
    assert torch.equal(merged[f"{UNET}x"], rows.t() * 2) and torch.equal(merged[f"{UNET}y"], rows[1:3] * 2)


def test_ckpt_has_no_word_for_float8(run, folder):
    put(folder / "a.safetensors", weights(1, torch.float8_e4m3fn))
    with pytest.raises(RequestError, match=r"Checkpoint format: ckpt cannot hold torch.float8_e4m3fn"):
        run(method=NO_INTERPOLATION, format="ckpt")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"multiplier": 0.3}, "0.7(a) + 0.3(sub_b).safetensors"),
        ({"method": ADD_DIFFERENCE, "multiplier": 1}, "a + 1.0(sub_b - c).safetensors"),
        ({"method": NO_INTERPOLATION, "format": "ckpt"}, "a.ckpt"),
        ({"output": "my model.safetensors"}, "my model.safetensors"),
    ],
)
def test_names_are_those_of_a1111(run, folder, values, name):
    three(folder)
    (folder / "sub").mkdir()
    (folder / "b.safetensors").rename(folder / "sub/b.safetensors")
    assert run(**({"output": ""} | values)) == folder / name


def test_the_users_own_folder_takes_it(folder, run, files, tmp_path):
    three(folder)
    own = tmp_path / "own"
    files = ModelFiles({"checkpoint": [folder, own]}, tmp_path / "cache")
    request = MergeRequest(primary="a", secondary="b", output="out")
    assert merge(request, files, lambda event: None, StopToken()).path == str(own / "out.safetensors")


def test_metadata_tells_how_it_was_made(run, folder):
    a, b, _ = three(folder)
    earlier = {"sd_merge_models": json.dumps({"f" * 64: {"name": "first"}}), "sd_merge_recipe": '{"type": "webui"}'}
    put(folder / "a.safetensors", a, {"note": "of a", "kept": "yes", "modelspec.thumbnail": "data:"} | earlier)
    put(folder / "b.safetensors", b, {"note": "of b"})
    path = run(metadata_json='{"mine": {"x": 1}}', config_source="B")
    found = metadata_of(path)
    hashes = [hashlib.sha256((folder / f"{name}.safetensors").read_bytes()).hexdigest() for name in "ab"]
    models, recipe = json.loads(found.pop("sd_merge_models")), json.loads(found.pop("sd_merge_recipe"))
    assert found == {"format": "pt", "note": "of b", "kept": "yes", "mine": '{"x": 1}'}
    empty = hashlib.sha256(b"").hexdigest()[:8]
    assert models == {
        hashes[0]: {"name": "a.safetensors", "legacy_hash": empty, "sd_merge_recipe": {"type": "webui"}},
        "f" * 64: {"name": "first"},
        hashes[1]: {"name": "b.safetensors", "legacy_hash": empty, "sd_merge_recipe": None},
    }
    assert recipe == {
        "type": "webui",
        "primary_model_hash": hashes[0],
        "secondary_model_hash": hashes[1],
        "tertiary_model_hash": None,
        "interp_method": "Weighted sum",
        "multiplier": 0.3,
        "save_as_half": False,
        "custom_name": "out",
        "config_source": 1,
        "bake_in_vae": "None",
        "discard_weights": "",
        "is_inpainting": False,
        "is_instruct_pix2pix": False,
    }
    less = metadata_of(run(output="less", add_merge_recipe=False, copy_metadata=False))
    assert less == {"format": "pt"}
    assert metadata_of(run(output="none", save_metadata=False)) == {}


@pytest.mark.parametrize(("source", "copied"), [("A, B or C", "b"), ("B", "b"), ("C", ""), ("Don't", "")])
def test_a_config_is_copied(run, folder, source, copied):
    three(folder)
    (folder / "b.yaml").write_text("b")
    path = run(config_source=source).with_suffix(".yaml")
    assert (path.read_text() if path.exists() else "") == copied


def test_another_models_config_stays(run, folder):
    three(folder)
    (folder / "b.yaml").write_text("b")
    (folder / "out.yaml").write_text("kept")
    events = [None]
    run(events)
    assert (folder / "out.yaml").read_text() == "kept"
    assert [event.text for event in events if isinstance(event, Notice)] == [
        f"{folder / 'out.yaml'} exists already and was left as it is; {folder / 'b.yaml'} was not copied."
    ]


def test_an_existing_file_is_replaced_only_when_that_was_allowed(run, folder):
    three(folder)
    (folder / "out.safetensors").write_bytes(b"old")
    with pytest.raises(RequestError, match=r"out.safetensors exists already. Choose another name"):
        run()
    assert (folder / "out.safetensors").read_bytes() == b"old"
    assert load_file(run(overwrite=True)).keys() == weights(1).keys()
    with pytest.raises(RequestError, match="is one of the merged files"):
        run(output="b", overwrite=True)


def test_models_are_found_by_name_hash_and_path(run, folder):
    a = three(folder)[0]
    sha256 = hashlib.sha256((folder / "a.safetensors").read_bytes()).hexdigest()
    for number, name in enumerate(("a", "a.safetensors", f"a.safetensors [{sha256[:10]}]", sha256[:10], sha256)):
        merged = load_file(run(method=NO_INTERPOLATION, primary=name, output=str(number)))
        assert torch.equal(merged[FIRST], a[FIRST])
    elsewhere = folder.parent / "elsewhere.safetensors"
    shutil.copy(folder / "a.safetensors", elsewhere)
    with pytest.raises(ModelNotFound, match=r"Primary model \(A\): there is no "):
        run(primary=str(elsewhere))
    run(primary=str(elsewhere), any_path=True)


def test_missing_models_are_named(run, folder):
    three(folder)
    with pytest.raises(RequestError, match=r"Tertiary model \(C\): choose a checkpoint; Add difference needs one."):
        run(method=ADD_DIFFERENCE, tertiary="")
    with pytest.raises(ModelNotFound, match=r"Secondary model \(B\): there is no 'nope' in .* Known are a, b, c."):
        run(secondary="nope")
    (folder / "bad.safetensors").write_bytes((folder / "a.safetensors").read_bytes()[:-9])
    with pytest.raises(ModelFileError, match=r"bad.safetensors is incomplete"):
        run(secondary="bad")
    (folder / "bad.ckpt").write_text("no pickle")
    with pytest.raises(ModelFileError, match=r"bad.ckpt is a text file and no model"):
        run(secondary=str(folder / "bad.ckpt"), any_path=True)


def test_it_says_how_far_it_is_and_where_the_result_is(run, folder, files):
    three(folder)
    events = [None]
    path = run(events)
    shares = [event.done for event in events if isinstance(event, Progress) and event.stage.startswith("Merging")]
    assert len(shares) == 6 and shares == sorted(shares) and shares[-1] == 1.0
    assert events[-1] == ModelSaved(str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    assert "out" in [entry.name for entry in files.catalog()]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in {f"{x}.safetensors" for x in "abc"})


@pytest.mark.parametrize("format", ["ckpt", "safetensors"])
def test_a_stopped_merge_leaves_nothing(files, folder, format):
    three(folder)
    stop = StopToken()

    def emit(event):
        if isinstance(event, Progress) and event.done > 0:
            stop.request(Stop.NOW)

    with pytest.raises(Interrupted):
        merge(MergeRequest(primary="a", secondary="b", output="out", format=format), files, emit, stop)
    assert left(folder) == []


@pytest.mark.parametrize("nameless", [True, False])
def test_a_merge_that_fails_leaves_nothing(run, folder, monkeypatch, nameless):
    three(folder)
    if not nameless:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    seen = tensor_parts.TensorReader.parts

    def broken(reader, name):
        if name == DECODER:
            raise OSError(28, "No space left on device")
        return seen(reader, name)

    monkeypatch.setattr(tensor_parts.TensorReader, "parts", broken)
    for format in ("safetensors", "ckpt"):
        with pytest.raises(OutputError, match=rf"out.{format} cannot be written: No space left on device."):
            run(format=format)
    assert left(folder) == []
    monkeypatch.undo()
    assert left(folder) == [] and run().exists()


def test_too_little_space_is_said_before(run, folder, monkeypatch):
    three(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(OutputError, match=r"the new checkpoint needs 0.00 GB, 0.00 GB are free on this disk"):
        run()
    assert left(folder) == []


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="this system has no files without names")
def test_a_killed_merge_leaves_nothing(folder):
    three(folder)
    code = (
        "import sys, time; from pathlib import Path; from sdui.core.events import StopToken\n"
        "from sdui.core.merging import MergeRequest; from sdui.models.files import ModelFiles\n"
        "from sdui.models.merging import merge\n"
        "def emit(event):\n    if getattr(event, 'done', 0): print('writing', flush=True); time.sleep(60)\n"
        "files = ModelFiles({'checkpoint': [Path(sys.argv[1])]}, Path(sys.argv[1]).parent / 'cache')\n"
        "merge(MergeRequest(primary='a', secondary='b', output='out'), files, emit, StopToken())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    time.sleep(0.1)
    assert left(folder) == []
