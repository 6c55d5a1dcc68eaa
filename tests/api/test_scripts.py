"""/sdapi/v1/scripts, script-info and extensions."""

import subprocess

import pytest

from tests.api.test_lists import ANSWERS

OWN_PLACE = {"extra options", "Hypertile", "soft inpainting", "refiner", "seed"}
"""Parts of A1111's page that are scripts there and fields of a request here."""


def told(shared, name, *, img2img=False):
    every = shared.get("/sdapi/v1/script-info")
    return next(one for one in every if (one["name"], one["is_img2img"]) == (name, img2img))


@pytest.mark.parametrize("kind", ["txt2img", "img2img"])
def test_a1111s_scripts_are_here(shared, kind):
    assert set(ANSWERS["scripts"][kind]) - OWN_PLACE <= set(shared.get("/sdapi/v1/scripts")[kind])


def test_arguments_are_described_as_by_a1111(shared):
    theirs = ANSWERS["script-info"][0]
    ours = told(shared, theirs["name"])
    assert ours.keys() == theirs.keys() and ours["args"][2:5] == theirs["args"]


def test_arguments_stand_in_the_order_of_script_args(shared):
    plot = [one["label"] for one in told(shared, "x/y/z plot")["args"]]
    assert plot[9:13] == ["Draw legend", "Include Sub Images", "Include Sub Grids", "Keep -1 for seeds"]
    upscale = told(shared, "sd upscale", img2img=True)["args"]
    assert [one["label"] for one in upscale] == ["", "Tile overlap", "Upscaler", "Scale Factor"]
    assert upscale[2]["choices"] == ["None", "R-ESRGAN 4x+", "DAT x2"]
    assert (upscale[1]["minimum"], upscale[1]["maximum"], upscale[1]["step"]) == (0, 256, 16)
    assert told(shared, "outpainting mk2", img2img=True)["args"][0]["label"] == ""


def test_what_goes_with_other_scripts_is_marked(shared):
    assert told(shared, "tiled diffusion")["is_alwayson"] and not told(shared, "x/y/z plot")["is_alwayson"]


def test_extensions_tell_where_they_came_from(shared):
    folder = shared.folder / "extensions"
    for name in ("cloned", "copied"):
        (folder / name).mkdir(parents=True)
        (folder / name / "extension.toml").write_text(f'title = "{name}"\n')
    git(folder / "cloned", "init", "-q", "-b", "main")
    git(folder / "cloned", "remote", "add", "origin", "https://example.org/cloned")
    git(folder / "cloned", "add", ".")
    git(folder / "cloned", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    cloned, copied = shared.get("/sdapi/v1/extensions")
    assert (cloned["name"], cloned["remote"], cloned["branch"]) == ("cloned", "https://example.org/cloned", "main")
    assert len(cloned["commit_hash"]) == 40 and cloned["commit_hash"].startswith(cloned["version"])
    assert int(cloned["commit_date"]) > 1_000_000_000 and cloned["enabled"] is True
    assert copied == {"name": "copied", "enabled": True} | dict.fromkeys(cloned.keys() - {"name", "enabled"}, "")


def git(folder, *words):
    subprocess.run(["git", "-C", folder, *words], check=True)
