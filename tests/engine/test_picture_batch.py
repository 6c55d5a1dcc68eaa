"""The Batch tab's work: a folder of pictures, each drawn from, with its mask and what its text says."""

import io
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdui.core.errors import Interrupted, RequestError
from sdui.core.events import ImageReady, Notice, Progress, Stop, StopToken
from sdui.core.extras import Given
from sdui.core.picture_batch import PNG_INFO, PictureSource, ResizeBy
from sdui.core.request import BatchRequest, GenerationRequest
from sdui.core.settings import Preferences
from sdui.core.stages import InitImage, Inpaint
from sdui.imaging.store import OutputStore
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.running import draw, make_engine

ASKED = GenerationRequest(
    prompt="a red circle",
    seed=5,
    steps=2,
    width=64,
    height=64,
    sampler="Euler",
    model="tiny-sd15",
    init=InitImage(image=b"", denoising_strength=0.5, inpaint=Inpaint(mask=b"", mask_blur=0)),
)
INFOTEXT = (
    "red circle\nNegative prompt: circle\nSteps: 3, Sampler: DPM++ 2M Karras, CFG scale: 4, "
    "Seed: 77, Size: 64x64, Model hash: 0123456789"
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("engine")
    write_tiny_checkpoint(work / "checkpoints")
    return make_engine([work / "checkpoints"], work)


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    for index in range(2):
        photo(index, made / f"photo {index}.png")
    return made


def photo(index, path=None, **options):
    pixels = np.random.default_rng(index).integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", **options)
    if path:
        path.write_bytes(data.getvalue())
    return data.getvalue()


def half(path, left):
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 24, 64) if left else (40, 0, 64, 64))
    mask.save(path)


def run(engine, source, stop=None, request=ASKED, **how):
    """The pictures, and all that was said."""
    events = []
    asked = BatchRequest(request=request, source=PictureSource(**source), **how)
    engine.run(asked, Preferences(), events.append, stop or StopToken())
    return [event.image for event in events if isinstance(event, ImageReady)], events


def notices(events):
    return [event.text for event in events if isinstance(event, Notice)]


def alone(engine, index, **values):
    init = ASKED.init.model_copy(update={"image": photo(index), "inpaint": None})
    return draw(engine, ASKED.model_copy(update={"init": init} | values))[0].pixels


def test_each_picture_of_a_folder_is_drawn_as_it_would_be_alone(engine, folder):
    (folder / "words.txt").write_text("a shopping list")
    made, events = run(engine, {"input_dir": str(folder)})
    assert [np.array_equal(image.pixels, alone(engine, index)) for index, image in enumerate(made)] == [True, True]
    assert {(image.kind, image.folder) for image in made} == {("image", "")}
    (said,) = notices(events)
    assert said.startswith("words.txt was left out.") and "no PNG" in said
    shares = [event.done for event in events if isinstance(event, Progress)]
    assert shares == sorted(shares) and 0.3 < shares[len(shares) // 2] < 0.7 and max(shares) <= 1


def test_files_are_called_like_those_they_were_made_from(engine, folder, tmp_path):
    made, _ = run(
        engine, {"input_dir": str(folder), "output_dir": "made"}, request=ASKED.model_copy(update={"batch_size": 2})
    )
    with closing(OutputStore(tmp_path)) as store:
        paths = [Path(store.save(image, Preferences())[0].path) for image in made]
    assert {path.parent for path in paths} == {tmp_path / "made"}
    assert [path.name for path in paths] == ["photo 0.png", "photo 0-1.png", "photo 1.png", "photo 1-1.png"]


def test_each_has_its_mask_and_what_is_not_masked_stays(engine, folder, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    half(masks / "photo 0.png", left=True)
    half(masks / "photo 1.jpg", left=False)
    source = {"input_dir": str(folder), "mask_dir": str(masks)}
    made, _ = run(engine, source)
    first, second = (np.asarray(Image.open(folder / f"photo {index}.png")) for index in range(2))
    assert np.array_equal(made[0].pixels[:, 32:], first[:, 32:])
    assert not np.array_equal(made[0].pixels[:, :16], first[:, :16])
    assert np.array_equal(made[1].pixels[:, :24], second[:, :24])
    (masks / "photo 1.jpg").unlink()
    made, _ = run(engine, source)
    assert np.array_equal(made[1].pixels[:, 32:], second[:, 32:]), "the only mask is for all"
    (masks / "photo 0.png").rename(masks / "a.png")
    half(masks / "b.png", left=True)
    with pytest.raises(RequestError, match=r"None of the 2 .*photo 0\.png was left out\. Inpaint batch mask directory"):
        run(engine, source)


def test_what_is_wanted_of_a_pictures_text_counts(engine, folder, tmp_path):
    chunks = PngInfo()
    chunks.add_text("parameters", INFOTEXT)
    photo(1, folder / "photo 1.png", pnginfo=chunks)
    source = {"input_dir": str(folder), "use_png_info": True, "png_info_props": PNG_INFO}
    made, events = run(engine, source)
    plain, told = (image.request for image in made)
    assert (plain.prompt, plain.seed, plain.sampler) == ("a red circle", 5, "Euler")
    assert (told.prompt, told.negative_prompt) == ("a red circle red circle", "circle")
    assert (told.seed, told.steps, told.cfg_scale) == (77, 3, 4)
    assert (told.sampler, told.schedule) == ("DPM++ 2M", "Karras")
    assert notices(events) == ["photo 1.png: its checkpoint [0123456789] is not here, so the chosen one draws."]
    made, events = run(engine, source | {"png_info_props": ("Seed",)})
    assert (made[1].request.prompt, made[1].request.seed, notices(events)) == ("a red circle", 77, [])
    assert run(engine, source | {"use_png_info": False})[0][1].request.seed == 5
    elsewhere = tmp_path / "texts"
    elsewhere.mkdir()
    photo(0, elsewhere / "photo 0.png", pnginfo=chunks)
    made, _ = run(engine, source | {"png_info_dir": str(elsewhere)})
    assert [image.request.seed for image in made] == [77, 5]


def test_a_share_of_each_pictures_own_size(engine):
    files = tuple(Given(data=resized(size), name=f"{size}.png") for size in ((64, 128), (100, 64)))
    made, _ = run(engine, {"pictures": files}, resize=ResizeBy(scale=0.5))
    assert [image.pixels.shape[1::-1] for image in made] == [(32, 64), (48, 32)]


def resized(size):
    data = io.BytesIO()
    Image.new("RGB", size, "teal").save(data, "PNG")
    return data.getvalue()


def test_an_interrupt_keeps_what_is_done(engine, folder):
    stop, seen = StopToken(), []

    def emit(event):
        seen.append(event)
        if isinstance(event, ImageReady):
            stop.request(Stop.NOW)

    asked = BatchRequest(request=ASKED, source=PictureSource(input_dir=str(folder)))
    with pytest.raises(Interrupted):
        engine.run(asked, Preferences(), emit, stop)
    assert sum(isinstance(event, ImageReady) for event in seen) == 1


def test_nothing_to_draw_is_said(engine, tmp_path):
    for source, says in (
        ({}, "choose pictures"),
        ({"input_dir": str(tmp_path / "nowhere")}, "Input directory: .*nowhere cannot be read"),
        ({"input_dir": str(tmp_path)}, "choose pictures"),
        ({"pictures": (Given(data=photo(1)),), "mask_dir": str(tmp_path)}, "there is no mask in"),
    ):
        with pytest.raises(RequestError, match=says):
            run(engine, source)
