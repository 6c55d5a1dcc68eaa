"""Pictures of ComfyUI: its graph becomes an infotext as far as it maps, and the rest is said."""

from __future__ import annotations

import io
import json
from typing import Any

import piexif
import pytest
from PIL import Image

from sdui.core import infotext
from sdui.imaging.comfyui import _SAMPLERS, _SCHEDULES, read
from sdui.imaging.file_formats import read_texts
from sdui.sampling.registry import builtin
from sdui.sampling.schedules import find_schedule

from .test_novelai import png


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


SAMPLING = {"seed": 2**63, "steps": 20, "cfg": 8.0, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0}
LINKS = {"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}
GRAPH: dict[str, Any] = {
    "3": node("KSampler", **SAMPLING, **LINKS),
    "4": node("CheckpointLoaderSimple", ckpt_name="SD1.5\\dream.v8.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
    "6": node("CLIPTextEncode", text="a cat, embedding:good.pt, (sun:1.2)", clip=["4", 1]),
    "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", images=["8", 0], filename_prefix="ComfyUI"),
}


def told(**changes: Any):
    return read({"prompt": json.dumps(GRAPH | changes)})


def test_the_usual_workflow_maps_without_a_remark():
    texts = read_texts(png({"prompt": json.dumps(GRAPH), "workflow": '{"nodes": []}'}))
    assert texts.program == "ComfyUI" and texts.remarks == ()
    assert texts.others.keys() == {"prompt", "workflow"}
    request = infotext.read(texts.infotext)
    assert (request.prompt, request.negative_prompt) == ("a cat, good, (sun:1.2)", "blurry")
    assert (request.steps, request.sampler, request.schedule, request.cfg_scale) == (20, "DPM++ 2M", "Karras", 8)
    assert (request.width, request.height, request.model) == (512, 768, "dream.v8")
    assert f"Seed: {2**63}," in texts.infotext
    assert request.randn_source == "CPU", "where ComfyUI's noise comes from"


def test_loras_clip_skip_and_vae_are_followed_through_their_chains():
    found = told(
        **{
            "3": node("KSampler", **SAMPLING, **LINKS | {"model": ["11", 0]}),
            "10": node("LoraLoader", lora_name="a.safetensors", strength_model=0.8, strength_clip=0.8, model=["4", 0]),
            "11": node("LoraLoader", lora_name="b/c.pt", strength_model=1.0, strength_clip=0.5, model=["12", 0]),
            "12": node("LoraLoaderModelOnly", lora_name="d.safetensors", strength_model=0.3, model=["10", 0]),
            "13": node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["4", 1]),
            "6": node("CLIPTextEncode", text="a cat", clip=["13", 0]),
            "8": node("VAEDecode", samples=["3", 0], vae=["14", 0]),
            "14": node("VAELoader", vae_name="mse.safetensors"),
        }
    )
    assert found.infotext.startswith("a cat <lora:a:0.8> <lora:d:0:0.3> <lora:c:0.5:1>\n")
    request = infotext.read(found.infotext)
    assert request.clip_skip == 2 and "VAE: mse.safetensors" in found.infotext
    assert found.remarks == ()


def test_values_in_nodes_of_their_own_are_found():
    found = told(
        **{
            "3": node("KSamplerAdvanced", **SAMPLING | {"seed": None}, noise_seed=["20", 0], **LINKS),
            "6": node("CLIPTextEncode", text=["21", 0], clip=["4", 1]),
            "20": node("PrimitiveInt", value=77),
            "21": node("Text", string=["22", 0]),
            "22": node("PrimitiveString", value="from afar"),
        }
    )
    assert found.infotext.startswith("from afar\n") and "Seed: 77," in found.infotext


def test_a_picture_made_from_a_picture():
    found = told(
        **{
            "3": node("KSampler", **SAMPLING | {"denoise": 0.5}, **LINKS | {"latent_image": ["20", 0]}),
            "20": node("VAEEncode", pixels=["21", 0], vae=["4", 2]),
            "21": node("LoadImage", image="photo.png"),
        }
    )
    assert infotext.read(found.infotext).init.denoising_strength == 0.5
    assert "not in the file" in found.remarks[0]


def test_what_does_not_map_is_said():
    found = told(
        **{
            "3": node("KSampler", **SAMPLING | {"sampler_name": "res_multistep"}, **LINKS | {"positive": ["20", 0]}),
            "20": node("ControlNetApplyAdvanced", positive=["21", 0], negative=["7", 0], control_net=["30", 0]),
            "21": node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["22", 0]),
            "22": node("CLIPTextEncodeSDXL", text_g="a dog", text_l="a dog", clip=["4", 1]),
            "40": node("KSampler", **SAMPLING, **LINKS | {"latent_image": ["41", 0], "model": ["42", 0]}),
            "41": node("LatentUpscale", samples=["3", 0], width=1024, height=1024),
            "42": node("FreeU", model=["4", 0]),
            "8": node("VAEDecode", samples=["40", 0], vae=["4", 2]),
        }
    )
    said = " ".join(found.remarks)
    assert "'res_multistep'" in said and "ControlNetApplyAdvanced" in said
    assert "Several prompts were combined" in said and "2 samplers follow" in said
    assert found.infotext.startswith("a cat, good, (sun:1.2), a dog\n")
    assert "Size: 512x768" in found.infotext, "of the first sampler"


def test_the_model_of_an_unknown_node_is_named():
    found = told(
        **{"3": node("KSampler", **SAMPLING, **LINKS | {"model": ["42", 0]}), "42": node("FreeU", model=["4", 0])}
    )
    assert found.remarks == ("FreeU changed the model, which has no counterpart here.",)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"prompt": json.dumps({"1": node("SaveImage", images=["2", 0])})}, "no KSampler"),
        ({"workflow": '{"nodes": [], "links": []}'}, "for its editor only"),
    ],
)
def test_nothing_that_could_be_read_is_said(texts, says):
    found = read(texts)
    assert found.infotext == "" and says in found.remarks[0]


@pytest.mark.parametrize("prompt", ["", "a cat", "{", "[]", '{"1": 2}', '{"1": {"class_type": 3, "inputs": {}}}'])
def test_other_texts_called_prompt_are_not_taken_for_a_graph(prompt):
    assert read({"prompt": prompt}) is None


def test_circles_and_wrong_types_end():
    found = told(
        **{
            "3": node(
                "KSampler", model=["3", 0], positive=["6", 0], negative=["20", 0], latent_image=["5", 0], steps="x"
            ),
            "20": node("ConditioningCombine", conditioning_1=["20", 0], conditioning_2=["20", 0]),
            "5": node("Upscale", samples=["5", 0], width=["5", 0], height={}),
            "6": node("CLIPTextEncode", text=["6", 0]),
        }
    )
    assert "Steps" not in found.infotext


def test_a_webp_file_has_the_graph_in_its_exif():
    exif = piexif.dump(
        {"0th": {piexif.ImageIFD.Model: f"prompt:{json.dumps(GRAPH)}", piexif.ImageIFD.Make: "workflow:{}"}}
    )
    target = io.BytesIO()
    Image.new("RGB", (8, 8)).save(target, "WEBP", exif=exif)
    texts = read_texts(target.getvalue())
    assert texts.program == "ComfyUI" and "Steps: 20" in texts.infotext


def test_every_name_is_one_of_ours():
    registry = builtin()
    for theirs, ours in _SAMPLERS.items():
        assert registry[ours].name == ours
        assert theirs == "uni_pc_bh2" or registry[theirs].name == ours
    assert [find_schedule(name) for name in _SCHEDULES.values()] == list(_SCHEDULES.values())
