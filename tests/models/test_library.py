"""Cards as a person sees them: what is found, in which order, with which notes and picture."""

import base64
import io
import json
import os
import struct
import time

import pytest
from PIL import Image

from sdui.bench.random_checkpoint import TINY, write_random_checkpoint
from sdui.core.errors import RequestError
from sdui.core.networks import NetworkQuery, Notes
from sdui.models.files import ModelFiles
from sdui.models.library import Library


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lora").mkdir()
    return tmp_path / "lora"


@pytest.fixture
def files(folder, tmp_path):
    kinds = {"lora": [folder], "embedding": [tmp_path / "embeddings"], "checkpoint": [tmp_path / "checkpoints"]}
    return ModelFiles(kinds, tmp_path / "cache")


@pytest.fixture
def library(files):
    return Library(files)


def write(path, notes=None, **metadata):
    """A safetensors file without tensors."""
    header = json.dumps({"__metadata__": metadata}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    if notes is not None:
        path.with_suffix(".json").write_text(notes if isinstance(notes, str) else json.dumps(notes))


def picture(colour="red", form="PNG"):
    data = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(data, form)
    return data.getvalue()


def titles(library, **query):
    kind = query.pop("kind", "lora")
    return [card.title.removesuffix(".safetensors") for card in library.page(NetworkQuery(kind, **query)).entries]


def card(library, title="hat.safetensors", kind="lora", **query):
    cards = library.page(NetworkQuery(kind, **query)).entries
    return next(card for card in cards if card.title == title)


def test_a_card_has_the_name_that_goes_into_a_prompt(library, folder):
    write(folder / "b.safetensors", ss_output_name="Red Hat")
    write(folder / "sub" / "A.safetensors", ss_output_name="b")
    write(folder / "c.safetensors", ss_output_name="style: new")
    cards = library.page(NetworkQuery("lora", sort="name")).entries
    assert [(card.name, card.alias, card.title) for card in cards] == [
        ("A", "A", "sub/A.safetensors"),  # "b" would mean the other file
        ("b", "Red Hat", "b.safetensors"),
        ("c", "c", "c.safetensors"),  # a tag ends at a colon
    ]


def test_every_word_has_to_be_somewhere(library, folder):
    tags = json.dumps({"10_hats": {"straw hat": 7, "beach": 3}})
    notes = {"description": "For summer", "activation text": "strwht"}
    write(folder / "sub" / "a.safetensors", notes, ss_output_name="Hüte", ss_tag_frequency=tags)
    write(folder / "b.safetensors", sshs_model_hash="AB" * 32)
    library.page(NetworkQuery("lora"))
    for words in ("SUMMER hüte", "strwht", "beach sub/", "straw"):
        assert titles(library, search=words) == ["sub/a"], words
    assert titles(library, search="ababab") == ["b"]
    assert titles(library, search="summer ababab") == []
    assert titles(library, search="hüte", by_name=True) == ["sub/a"]
    assert titles(library, search="summer", by_name=True) == []


def test_orders(library, folder):
    for place, name in enumerate(("z/lora 2", "lora 10", "Lora 9")):
        write(folder / f"{name}.safetensors")
        os.utime(folder / f"{name}.safetensors", (1e9 - place, 1e9 - place))
    assert titles(library) == ["Lora 9", "lora 10", "z/lora 2"]
    assert titles(library, sort="name") == ["z/lora 2", "Lora 9", "lora 10"]
    assert titles(library, sort="modified") == ["Lora 9", "lora 10", "z/lora 2"]
    assert titles(library, sort="created", descending=True) == ["Lora 9", "lora 10", "z/lora 2"]
    assert titles(library, descending=True) == ["z/lora 2", "lora 10", "Lora 9"]


def test_folders_and_what_is_in_them(library, folder):
    for name in ("a", "style/b", "style/old/c", "style 2/d"):
        write(folder / f"{name}.safetensors")
    assert library.page(NetworkQuery("lora")).folders == ("style", "style/old", "style 2")
    assert titles(library, folder="style") == ["style/b", "style/old/c"]
    assert titles(library, folder="style", search="c") == ["style/old/c"]
    assert titles(library, folder="../style") == []


def test_what_says_that_it_was_made_for_another_version_is_hidden(library, folder):
    write(folder / "says nothing.safetensors")
    write(folder / "sd1.safetensors", ss_base_model_version="sd_v1")
    write(folder / "sd2.safetensors", ss_v2="True")
    write(folder / "sdxl.safetensors", ss_base_model_version="sdxl_base_v1-0")
    write(folder / "noted.safetensors", {"sd version": "SDXL"}, ss_base_model_version="sd_v1")
    assert len(titles(library)) == 5
    assert titles(library, version="SDXL") == ["noted", "says nothing", "sdxl"]
    assert titles(library, version="SD1") == ["says nothing", "sd1"]


def test_ten_thousand_files_are_quick(library, files, folder):
    tags = json.dumps({"1_x": {f"tag {number}": number for number in range(30)}})
    for number in range(10_000):
        write(folder / str(number % 20) / f"lora {number}.safetensors", ss_tag_frequency=tags)
        if number % 10 == 0:
            (folder / str(number % 20) / f"lora {number}.json").write_text('{"description": "tenth"}')
    begun = time.process_time()
    page = library.page(NetworkQuery("lora"))
    assert (len(page.entries), page.found, len(page.folders)) == (60, 10_000, 20)
    assert time.process_time() - begun < 3
    files.read_metadata()
    begun = time.process_time()
    assert library.page(NetworkQuery("lora", search="tenth tag", sort="modified")).found == 1000
    assert titles(library, search="tenth tag", sort="name", descending=True, count=1) == ["10/lora 9990"]
    assert len(titles(library, search="tenth tag", sort="modified", offset=990, count=60)) == 10
    assert time.process_time() - begun < 3


def test_new_files_are_seen_when_asked_for(library, folder):
    write(folder / "a.safetensors")
    assert titles(library) == ["a"]
    write(folder / "b.safetensors")
    assert titles(library, anew=True) == ["a", "b"]


class TestNotes:
    def test_they_are_written_beside_the_file_and_shown(self, library, folder):
        write(folder / "hat.safetensors", {"other": [1], "notes": "old", "description": "stays"})
        notes = {"notes": "Größe", "activation text": "hat", "preferred weight": 0.7, "sd version": "SD1"}
        shown = library.note("lora", "hat.safetensors", Notes.model_validate(notes))
        assert (shown.notes.notes, shown.notes.preferred_weight, shown.version) == ("Größe", 0.7, "SD1")
        written = json.loads((folder / "hat.json").read_text())
        assert written == {"other": [1], "description": "stays"} | notes
        assert titles(library, search="hat") == ["hat"]
        assert titles(library, search="size") == []
        assert {path.name for path in folder.iterdir()} == {"hat.safetensors", "hat.json"}, "nothing half-written"

    @pytest.mark.parametrize("text", ["{", "[1]", "", "[" * 100_000, "\xff"])
    def test_a_broken_file_is_read_as_empty_and_left_alone(self, library, folder, text):
        write(folder / "hat.safetensors", text)
        assert card(library).notes == Notes()
        assert titles(library, search="hat") == ["hat"]
        with pytest.raises(RequestError, match=r"hat\.json is damaged and was left alone"):
            library.note("lora", "hat.safetensors", Notes(notes="new"))
        assert (folder / "hat.json").read_text() == text

    def test_a_key_that_is_not_valid_counts_as_not_said(self, library, folder):
        wrong = {"preferred weight": "much", "sd version": 3, "description": None, "notes": "right"}
        write(folder / "hat.safetensors", wrong)
        assert card(library).notes == Notes(notes="right")
        library.note("lora", "hat.safetensors", Notes(description="new"))
        assert json.loads((folder / "hat.json").read_text()) == wrong | {"description": "new"}

    def test_half_an_emoji_of_another_program_is_kept(self, library, folder):
        write(folder / "hat.safetensors", '{"other": "\\ud83d"}')
        library.note("lora", "hat.safetensors", Notes(notes="new"))
        assert json.loads((folder / "hat.json").read_text())["other"] == "\ud83d"

    @pytest.mark.parametrize("title", ["../secret.safetensors", "hat", "/etc/passwd", "", "none.safetensors"])
    def test_only_files_of_the_list_can_be_meant(self, library, folder, title):
        write(folder / "hat.safetensors")
        write(folder.parent / "secret.safetensors", {"notes": "secret"})
        assert library.file("lora", title) is None
        assert library.picture("lora", title) == b""
        assert library.note("lora", title, Notes(notes="new")) is None
        assert library.replace_picture("lora", title, picture()) is None
        assert json.loads((folder.parent / "secret.json").read_text()) == {"notes": "secret"}


class TestPictures:
    @pytest.mark.parametrize("name", ["hat.png", "hat.preview.png", "hat.jpg", "hat.jpeg", "hat.webp", "hat.gif"])
    def test_one_beside_the_file(self, library, folder, name):
        write(folder / "hat.safetensors")
        assert card(library).picture == ""
        (folder / name).write_bytes(picture())
        assert card(library, anew=True).picture
        assert library.picture("lora", "hat.safetensors") == picture()

    @pytest.mark.parametrize(
        "metadata",
        [
            {"ssmd_cover_images": json.dumps(["", base64.b64encode(picture("blue")).decode()])},
            {"modelspec.thumbnail": "data:image/png;base64," + base64.b64encode(picture("blue")).decode()},
        ],
    )
    def test_one_inside_unless_one_is_beside_it(self, library, folder, metadata):
        write(folder / "hat.safetensors", **metadata)
        assert card(library).picture
        assert library.picture("lora", "hat.safetensors") == picture("blue")
        assert library.file("lora", "hat.safetensors").metadata == {}, "pictures are no text"
        library.replace_picture("lora", "hat.safetensors", picture())
        assert library.picture("lora", "hat.safetensors") == picture()

    @pytest.mark.parametrize("covers", ["[", "{}", "[1]", '["not base64"]', "[" * 100_000])
    def test_a_damaged_one_is_none(self, library, folder, covers):
        write(folder / "hat.safetensors", ssmd_cover_images=covers)
        assert card(library).picture == ""
        assert library.picture("lora", "hat.safetensors") == b""

    def test_replacing_changes_what_the_browser_asks_for(self, library, folder):
        write(folder / "hat.safetensors")
        (folder / "hat.png").write_bytes(picture("green"))
        before = card(library).picture
        after = library.replace_picture("lora", "hat.safetensors", picture("blue")).picture
        assert after not in ("", before)
        assert library.picture("lora", "hat.safetensors") == picture("blue")
        assert (folder / "hat.png").read_bytes() == picture("green"), "it may be an embedding"

    def test_an_embedding_in_a_picture_is_its_own_and_a_thumbnail_is_no_embedding(self, library, tmp_path):
        folder = tmp_path / "embeddings"
        folder.mkdir()
        for name in ("own.png", "other.png", "other.preview.png"):
            (folder / name).write_bytes(picture())
        (folder / "other.pt").touch()
        assert titles(library, kind="embedding") == ["other.pt", "own.png"]
        assert library.picture("embedding", "own.png") == picture()


def test_a_file_tells_where_it_is_and_what_it_was_trained_on(library, folder):
    tags = json.dumps({"1_a": {"hat": 2, "beach": 1}, "2_b": {"beach": 4}, "3_c": "damaged"})
    write(folder / "sub" / "hat.safetensors", ss_tag_frequency=tags, ss_seed="\ud83d 7")
    file = library.file("lora", "sub/hat.safetensors")
    assert file.location == str(folder / "sub" / "hat.safetensors")
    assert file.tags == {"beach": 5, "hat": 2}
    assert file.metadata["ss_seed"] == "? 7", "half an emoji cannot be stored"


def test_checkpoints_are_cards_too(library, tmp_path):
    path = tmp_path / "checkpoints" / "a.v2.safetensors"
    write_random_checkpoint(path, TINY)
    path.with_name("a.v2.json").write_text('{"vae": "fine.pt"}')
    path.with_name("a.v2.png").write_bytes(picture())
    shown = card(library, "a.v2.safetensors", "checkpoint")
    assert (shown.alias, shown.notes.vae, bool(shown.picture)) == ("a.v2.safetensors", "fine.pt", True)
    assert library.file("checkpoint", "a.v2.safetensors").location == str(path)
