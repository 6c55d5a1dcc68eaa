"""/sdapi/v1/png-info."""

import base64
import io

import piexif
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

URL = "/sdapi/v1/png-info"
INFOTEXT = "a cat\nNegative prompt: a dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x768"


def encoded(format="PNG", text=INFOTEXT, **more):
    file, image = io.BytesIO(), Image.new("RGB", (8, 8))
    if format == "PNG":
        chunks = PngInfo()
        for name, value in {"parameters": text, **more}.items():
            if value:
                chunks.add_text(name, value)
        image.save(file, "PNG", pnginfo=chunks)
    else:
        comment = piexif.helper.UserComment.dump(text, encoding="unicode")
        image.save(file, format, exif=piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}}))
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_parameters_are_read(shared, format, prefix):
    told = shared.post(URL, {"image": prefix + encoded(format)})
    assert told["info"] == INFOTEXT
    asked = {"Prompt": "a cat", "Negative prompt": "a dog", "Steps": "20", "Size-1": "512", "Size-2": "768"}
    assert asked.items() <= told["parameters"].items() and told["parameters"]["Clip skip"] == "1"


def test_other_texts_are_told_beside_them(shared):
    assert shared.post(URL, {"image": encoded(postprocessing="sharper")})["items"] == {"postprocessing": "sharper"}


def test_a_picture_without_parameters_has_none(shared):
    assert shared.post(URL, {"image": encoded(text="")})["info"] == ""
    assert shared.post(URL, {"image": ""}) == {"info": "", "items": {}, "parameters": {}}


@pytest.mark.parametrize("said", ["Size-1: wide, First pass size: 0x0", "Seed: 1, Version: " + "9" * 5000])
def test_parameters_that_mean_nothing_do_no_harm(shared, said):
    text = f"x\nSteps: 1, CFG scale: 1, {said}"
    assert shared.post(URL, {"image": encoded(text=text)})["info"] == text


@pytest.mark.parametrize("image", ["no picture", base64.b64encode(b"words").decode(), "é"])
def test_what_is_no_picture_is_refused(shared, image):
    answer = shared.client.post(URL, json={"image": image})
    assert answer.status_code == 422 and answer.json()["errors"]
