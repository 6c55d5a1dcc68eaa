"""The Extras tab's work: every readable picture of a mixed folder is done and keeps what it said of itself."""

import io
import struct
import zlib
from contextlib import closing

import numpy as np
import piexif
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from sdui.core.errors import Interrupted, RequestError
from sdui.core.events import Notice, PictureReady, Progress, Stop, StopToken
from sdui.core.extras import ExtrasRequest, Given, Picture
from sdui.core.settings import Preferences
from sdui.imaging.store import OutputStore
from tests.support.running import make_engine, make_host

HOST = make_host()
REQUEST = HOST.request(ExtrasRequest, "operation")
INFOTEXT = "a red circle\nSteps: 4, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 24x16"
TWICE = {"upscale": {"scale": 2, "upscaler": "Lanczos"}}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("extras")
    return make_engine([work], work, host=HOST)


def run(engine, request, stop=None, **preferences):
    """Pictures and notices."""
    events = []
    engine.run(request, Preferences(**preferences), events.append, stop or StopToken())
    made = [event for event in events if isinstance(event, PictureReady)]
    return made, [event.text for event in events if isinstance(event, Notice)]


def one(engine, image, operations, **preferences):
    """The pictures made of one image, the first one first."""
    asked = REQUEST(pictures=(Given(data=png(image), name="one.png"),), extensions=operations)
    made, notices = run(engine, asked, **preferences)
    assert not notices
    return [event.picture for event in made]


def drawn(index, mode="RGB"):
    y, x = np.mgrid[:16, :24]
    pixels = np.stack([(x * 10 + index) % 256, y * 15, (x + y) * 6], -1).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def png(image, **options):
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def encoded(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def with_text(index):
    chunks = PngInfo()
    chunks.add_text("parameters", INFOTEXT)
    chunks.add_text("Author", "someone")
    return png(drawn(index), pnginfo=chunks)


def with_comment(index):
    comment = piexif.helper.UserComment.dump(INFOTEXT, encoding="unicode")
    return encoded(drawn(index), "JPEG", exif=piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}}))


def lying(index):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    return encoded(drawn(index), "JPEG", exif=exif)


def see_through(index):
    image = drawn(index).quantize(8)
    return png(image, transparency=0)


def deep(index):
    return png(Image.fromarray(np.linspace(0, 65535, 24 * 16).reshape(16, 24).astype(np.uint16)))


def moving(index):
    frames = [drawn(index + n).convert("P") for n in range(3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


SORTS = {
    "text.png": with_text,
    "comment.jpg": with_comment,
    "inks.jpg": lambda index: encoded(drawn(index, "CMYK"), "JPEG"),
    "deep.png": deep,
    "moving.gif": moving,
    "see_through.png": see_through,
    "lying.jpg": lying,
    "profile.png": lambda index: png(
        drawn(index), icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ),
    "cut.png": lambda index: png(drawn(index).resize((200, 200)))[:300],
    "words.txt": lambda index: b"a shopping list",
}
UNREADABLE = ("cut.png", "words.txt")


def test_a_folder_of_200_mixed_files(engine, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for index in range(200):
        name, make = list(SORTS.items())[index % len(SORTS)]
        (folder / f"{index:03}-{name}").write_bytes(make(index))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    asked = REQUEST(input_dir=str(folder), output_dir=str(out), extensions=TWICE)
    made, notices = run(engine, asked)
    with closing(OutputStore(tmp_path)) as store:
        saved = [store.save_picture(event, Preferences()) for event in made]
    assert [warning for _, warning in saved if warning] == []
    assert len(made) == 160 and len(list(out.glob("*.png"))) == 160
    assert len(notices) == 40
    for notice in notices:
        assert notice.split(" was left out. ")[0].endswith(UNREADABLE)
        assert "this picture is damaged" in notice or "this is no PNG" in notice
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    for path in out.glob("*.png"):
        with Image.open(path) as image:
            image.load()
            upright = "lying" not in path.name
            assert image.size == ((48, 32) if upright else (32, 48))
            assert "Postprocess upscale by: 2, Postprocess upscaler: Lanczos" in image.info["postprocessing"]
            if "text" in path.name or "comment" in path.name:
                assert image.info["parameters"] == INFOTEXT
            assert ("text" in path.name) == (image.info.get("Author") == "someone")
            assert ("profile" in path.name) == ("icc_profile" in image.info)
            assert ("see_through" in path.name) == (image.mode == "RGBA")
            if not upright:
                assert image.getexif().get(0x010F) == "Camera" and 0x0112 not in image.getexif()
            if "deep" in path.name:
                levels = np.asarray(image.convert("L"))
                assert levels[0, 0] < 5 and levels[-1, -1] > 250 and 100 < np.median(levels) < 155


def test_a_jpeg_keeps_its_text_and_says_what_was_done(engine, tmp_path):
    asked = REQUEST(pictures=(Given(data=with_comment(1), name="a.jpg"),), extensions=TWICE)
    (ready,), _ = run(engine, asked)
    with closing(OutputStore(tmp_path)) as store:
        saved, _ = store.save_picture(ready, Preferences(samples_format="jpg"))
    with Image.open(saved.path) as image:
        comment = piexif.helper.UserComment.load(piexif.load(image.info["exif"])["Exif"][piexif.ExifIFD.UserComment])
    assert comment == f"{INFOTEXT}, Postprocess upscale by: 2, Postprocess upscaler: Lanczos"


def test_files_are_called_like_theirs_and_nothing_is_written_over(engine, tmp_path):
    asked = REQUEST(pictures=(Given(data=png(drawn(1)), name="../../mine.png"),), extensions=TWICE)
    (ready,), _ = run(engine, asked)
    with closing(OutputStore(tmp_path)) as store:
        paths = [store.save_picture(ready, Preferences())[0].path for _ in range(2)]
        numbered = store.save_picture(ready, Preferences(use_original_name_batch=False))[0].path
    folder = tmp_path / "outputs/extras-images"
    assert paths == [str(folder / "mine.png"), str(folder / "mine-1.png")]
    assert numbered == str(folder / "00000.png")


def test_one_bad_picture_alone_is_a_failure_and_none_is_a_question(engine):
    with pytest.raises(RequestError, match=r"words\.txt was left out.*no PNG"):
        run(engine, REQUEST(pictures=(Given(data=b"words", name="words.txt"),), extensions=TWICE))
    with pytest.raises(RequestError, match="choose a picture"):
        run(engine, REQUEST(extensions=TWICE))
    with pytest.raises(RequestError, match=r"Input directory: .*nowhere cannot be read"):
        run(engine, REQUEST(input_dir="/nowhere", extensions=TWICE))


@pytest.mark.parametrize(("level", "when"), [(Stop.NOW, PictureReady), (Stop.AFTER, Progress)])
def test_a_stop_keeps_what_is_done(engine, level, when):
    stop, seen = StopToken(), []

    def emit(event):
        seen.append(event)
        if isinstance(event, when):
            stop.request(level)

    given = tuple(Given(data=png(drawn(n)), name=f"{n}.png") for n in range(3))
    with pytest.raises(Interrupted):
        engine.run(REQUEST(pictures=given, extensions=TWICE), Preferences(), emit, stop)
    assert sum(isinstance(event, PictureReady) for event in seen) == 1
    assert sum(isinstance(event, Progress) for event in seen) == 1


def test_scale_to_crops_and_the_second_upscaler_is_mixed_in(engine):
    to = {"mode": "Scale to", "width": 64, "height": 64, "upscaler": "Nearest"}
    (cropped,) = one(engine, drawn(1), {"upscale": to})
    assert cropped.image.size == (64, 64) and cropped.info["Postprocess crop to"] == "64x64"
    (whole,) = one(engine, drawn(1), {"upscale": to | {"crop": False}})
    assert whole.image.size == (96, 64)
    (limited,) = one(engine, drawn(1), {"upscale": {"scale": 4, "max_side_length": 48, "upscaler": "Nearest"}})
    assert limited.image.size == (48, 32) and limited.info["Max side length"] == "48"
    both = {"upscaler": "Nearest", "second": "Lanczos", "visibility": 0.25}
    (mixed,), (near,), (smooth,) = (
        one(engine, drawn(1), {"upscale": {"scale": 2} | names})
        for names in (both, {"upscaler": "Nearest"}, {"upscaler": "Lanczos"})
    )
    expected = np.asarray(near.image) * 0.75 + np.asarray(smooth.image) * 0.25
    assert np.abs(np.asarray(mixed.image) - expected).max() <= 1
    assert mixed.info["Postprocess upscaler 2"] == "Lanczos"


def test_flipped_copies_are_named_and_later_operations_work_on_them(engine):
    flips = {"horizontal": True, "vertical": True, "both": True}
    made = one(engine, drawn(1), {"flipped_copies": flips} | TWICE)
    assert [picture.suffix for picture in made] == ["", "-horizontal", "-vertical", "-both"]
    assert {picture.image.size for picture in made} == {(48, 32)}
    first, mirrored = (np.asarray(picture.image, int) for picture in made[:2])
    assert np.abs(first[:, ::-1] - mirrored).max() <= 1


def test_the_settings_order_operations_and_leave_some_out(engine):
    crop = {"auto_sized_crop": {"shortest": 64, "longest": 128, "least_area": 4096, "most_area": 16384, "error": 1}}
    asked = TWICE | crop | {"flipped_copies": {}}
    first = one(engine, drawn(1), asked, postprocessing_operation_order=("Auto-sized crop",))
    last = one(engine, drawn(1), asked)
    assert last[0].image.size == (128, 128) and first[0].image.size == (256, 256)
    assert len(one(engine, drawn(1), asked, postprocessing_disable_in_extras=("Create flipped copies",))) == 1


def test_split_makes_pieces_of_the_targets_shape(engine):
    tall = drawn(1).resize((64, 320))
    target = {"upscale": {"mode": "Scale to", "width": 64, "height": 64}}
    made = one(engine, tall, target | {"split_oversized": {"threshold": 0.5, "overlap": 0.2}})
    assert [picture.image.size for picture in made] == [(64, 64)] * 6
    assert np.array_equal(np.asarray(made[0].image), np.asarray(tall)[:64])
    assert np.array_equal(np.asarray(made[-1].image), np.asarray(tall)[-64:])
    assert len(one(engine, drawn(1).resize((64, 70)), target | {"split_oversized": {}})) == 1


def test_the_focal_crop_follows_the_detail(engine):
    image = Image.new("RGB", (256, 64), "grey")
    image.paste(Image.effect_noise((32, 32), 90).convert("RGB"), (208, 16))
    target = {"upscale": {"mode": "Scale to", "width": 64, "height": 64}}
    (made, marked) = one(engine, image, target | {"focal_crop": {"debug": True}})
    assert made.image.size == (64, 64) and np.asarray(made.image).std() > 20
    assert marked.suffix == "-focal-debug" and marked.image.size == image.size


def test_a_caption_is_beside_its_picture_and_never_over_another(tmp_path):
    picture = Picture(Image.new("RGB", (8, 8)), name="cat", caption="a cat")
    with closing(OutputStore(tmp_path)) as store:
        first, nothing = store.save_picture(PictureReady(picture), Preferences())
        folder = tmp_path / "outputs/extras-images"
        (folder / "cat-1.txt").write_text("mine")
        second, warning = store.save_picture(PictureReady(picture), Preferences())
    assert (folder / "cat.txt").read_text() == "a cat" and nothing == ""
    assert (folder / "cat-1.txt").read_text() == "mine" and "cat-1.txt is there already: a cat" in warning
    assert [first.path, second.path] == [str(folder / "cat.png"), str(folder / "cat-1.png")]


def test_nothing_done_is_a_failure_with_a_reason(engine, tmp_path):
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "b.txt").write_text("words")
    with pytest.raises(RequestError, match=r"None of the 2 pictures could be processed. a\.txt was left out"):
        run(engine, REQUEST(input_dir=str(tmp_path), extensions=TWICE))


def test_what_would_be_clipped_or_would_not_fit_is_refused(engine):
    huge = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", huge) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    real = encoded(Image.fromarray(np.full((4, 4), 0.5, np.float32)), "TIFF")
    for data, reason in ((bomb, "too many pixels"), (real, "32 bits a channel")):
        with pytest.raises(RequestError, match=reason):
            run(engine, REQUEST(pictures=(Given(data=data, name="a"),), extensions=TWICE))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
