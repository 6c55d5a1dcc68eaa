"""Checkpoints that stay, those that go, and those that come back."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from sdui.bench.random_checkpoint import TINY, write_random_checkpoint
from sdui.bench.switching import switched
from sdui.core.errors import ModelFileError, RequestError
from sdui.models import memory
from sdui.models.families.sd15 import SD15
from sdui.models.placement import Vram
from sdui.models.read_ahead import Wish
from sdui.models.residents import Room
from tests.support.models import (
    SmallMachine,
    computed,
    garble,
    make_store,
    same,
    wait_for_reader,
    write_checkpoints,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    write_checkpoints(folder, "a", "b", "c")
    return folder


@pytest.fixture(autouse=True)
def hurry(request, monkeypatch):
    """Collecting garbage takes as long as loading such small checkpoints."""
    if "grow" not in request.node.name:
        monkeypatch.setattr(memory, "give_back", lambda: None)


@pytest.fixture
def store(folder):
    return make_store(folder)


@pytest.fixture
def own(tmp_path):
    """A folder that a test may change."""
    write_checkpoints(tmp_path, "a", "b")
    return tmp_path


def lease(store, name):
    """The names that had to be read for it."""
    read = []
    with store.lease(name, "", read.append):
        return read


def reads(store, *names):
    return [read for name in names for read in lease(store, name)]


def result(store, name):
    with store.lease(name, "", lambda name: None) as lease:
        return computed(lease.model)


@pytest.mark.parametrize(("limit", "read"), [(1, ["a", "b", "a", "c", "a", "b"]), (2, ["a", "b", "c", "b"])])
def test_as_many_stay_as_the_user_allows_and_those_used_last(store, limit, read):
    store.room = Room(checkpoints=limit)
    assert reads(store, "a", "b", "a", "c", "a", "b") == read


def test_a_lower_limit_counts_from_the_next_job_on(store):
    store.room = Room(checkpoints=3)
    lease(store, "a"), lease(store, "b"), lease(store, "c")
    store.room = Room(checkpoints=1)
    assert reads(store, "c", "b") == ["b"]


def test_going_over_to_one_in_memory_reads_no_file(own):
    store = make_store(own)
    store.room = Room(checkpoints=2)
    before = result(store, "a")
    assert not same(result(store, "b"), before)
    garble(own / "a.safetensors")
    assert same(result(store, "a"), before)


def test_what_a_job_holds_stays_beyond_the_limit_and_the_first_of_it_remains(store):
    with store.lease("a", "", lambda name: None) as a:
        before = computed(a.model)
        with store.lease("b", "", lambda name: None), store.lease("c", "", lambda name: None):
            assert same(computed(a.model), before)
    assert reads(store, "a", "b") == ["b"]


def test_one_that_went_keeps_no_memory_even_if_someone_still_knows_it(store):
    with store.lease("a", "", lambda name: None) as a:
        assert a.model.placement.bytes() > 2**20
    lease(store, "b")
    assert a.model.placement.bytes() < 2**16


def test_everything_is_unloaded_on_demand_but_what_is_in_use(store):
    store.room = Room(checkpoints=2)
    lease(store, "a")
    with store.lease("b", "", lambda name: None):
        store.unload_all()
    assert reads(store, "b", "a") == ["a"]


def damage(path):
    """Its header is in order, but one network lacks a tensor."""
    weights = load_file(path)
    del weights["model.diffusion_model.out.2.bias"]
    save_file(weights, path)


def test_a_damaged_checkpoint_leaves_the_one_before_it(own):
    store = make_store(own)
    before = result(store, "a")
    damage(own / "b.safetensors")
    garble(own / "a.safetensors")
    with pytest.raises(ModelFileError, match=r"b\.safetensors cannot be loaded"):
        lease(store, "b")
    assert same(result(store, "a"), before)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no"), RuntimeError("can't allocate memory: you tried 9")])
def test_want_of_memory_is_said_and_leaves_the_one_before_it(store, monkeypatch, error):
    before = result(store, "a")

    def load(self, source):
        raise error

    monkeypatch.setattr(SD15, "load", load)
    with pytest.raises(RequestError, match=r"not enough memory for .*b\.safetensors"):
        lease(store, "b")
    assert same(result(store, "a"), before)


def test_one_that_had_to_make_room_comes_back_when_the_other_cannot_be_loaded(own, monkeypatch):
    store = make_store(own)
    before = result(store, "a")
    SmallMachine(monkeypatch, store, checkpoints=1.5)
    damage(own / "b.safetensors")
    with pytest.raises(ModelFileError, match=r"b\.safetensors"):
        lease(store, "b")
    garble(own / "a.safetensors")
    assert same(result(store, "a"), before)


def test_it_makes_room_where_memory_does_not_hold_both(store, monkeypatch):
    store.room = Room(checkpoints=3)
    lease(store, "a")
    SmallMachine(monkeypatch, store, checkpoints=1.5)
    assert reads(store, "b", "a") == ["b", "a"]


def test_one_that_can_never_fit_is_refused_and_nothing_is_unloaded(store, monkeypatch):
    lease(store, "a")
    SmallMachine(monkeypatch, store, checkpoints=0.9)
    with pytest.raises(RequestError, match=r"b\.safetensors needs about .* GB of memory, .* GB are free"):
        lease(store, "b")
    assert lease(store, "a") == []


def test_two_that_do_not_fit_together_take_turns_within_a_job(store, monkeypatch):
    expected = {name: result(store, name) for name in "ab"}
    store.unload_all()
    machine = SmallMachine(monkeypatch, store, checkpoints=1.5)
    with store.lease("a", "", lambda name: None) as a, store.lease("b", "", lambda name: None) as b:
        for lease, name in ((b, "b"), (a, "a"), (b, "b")):
            store.activate(lease)
            assert same(computed(lease.model), expected[name])
            assert machine.free() > 0
    assert same(result(store, "a"), expected["a"])


def test_one_that_changed_before_its_turn_came_again_is_not_mixed_with_the_old(own, monkeypatch):
    store = make_store(own)
    SmallMachine(monkeypatch, store, checkpoints=1.5)
    with store.lease("a", "", lambda name: None) as a, store.lease("b", "", lambda name: None):
        save_file(load_file(own / "b.safetensors"), own / "a.safetensors")
        with pytest.raises(ModelFileError, match=r"a\.safetensors was changed"):
            store.activate(a)


@pytest.mark.parametrize("kept", [1, 2])
def test_memory_does_not_grow_with_switching(tmp_path, kept):
    for name in ("first", "second"):
        write_random_checkpoint(tmp_path / f"{name}.safetensors", replace(TINY, channels=64))
    store = make_store(tmp_path)
    switched(store, kept, 2)  # what only the first few leave behind is small, but so are these checkpoints
    # What is lost at a switch is lost in each series; what the allocator and other threads hold comes and goes.
    assert min(switched(store, kept, 2).grown for _ in range(3)) < 1


def test_the_next_checkpoint_is_read_while_one_is_in_use(own):
    store = make_store(own)
    expected = result(store, "b")
    with store.lease("a", "", lambda name: None) as a:
        before = computed(a.model)
        store.expect(Wish("b", "", 0))
        wait_for_reader()
        garble(own / "b.safetensors")
        assert same(computed(a.model), before)
    assert lease(store, "b") == []
    assert same(result(store, "b"), expected)


def test_reading_ahead_leaves_random_numbers_and_threads_alone(store):
    with store.lease("a", "", lambda name: None):
        before, threads = torch.get_rng_state(), torch.get_num_threads()
        store.expect(Wish("b", "", 0))
        wait_for_reader()
        assert torch.equal(torch.get_rng_state(), before)
        assert torch.get_num_threads() == threads


def test_only_the_newest_wish_is_kept(store):
    with store.lease("a", "", lambda name: None):
        for name in ("b", "c"):
            store.expect(Wish(name, "", 0))
            wait_for_reader()
    assert reads(store, "c", "b") == ["b"]


def test_the_same_wish_again_reads_nothing_again(own):
    store = make_store(own)
    expected = result(store, "b")
    with store.lease("a", "", lambda name: None):
        for _ in range(2):
            store.expect(Wish("b", "", 0))
            wait_for_reader()
            garble(own / "b.safetensors")
    assert same(result(store, "b"), expected)


def test_a_wish_that_is_withdrawn_leaves_nothing_behind(store):
    with store.lease("a", "", lambda name: None):
        store.expect(Wish("b", "", 0))
        wait_for_reader()
        store.expect(None)
        wait_for_reader()
    assert reads(store, "a", "b") == ["b"]


def test_nothing_is_read_ahead_into_memory_that_the_job_needs(store, monkeypatch):
    machine = SmallMachine(monkeypatch, store, checkpoints=2.5)
    for spare, read in ((machine.one, ["b"]), (0, [])):
        with store.lease("a", "", lambda name: None):
            store.expect(Wish("b", "", spare))
            wait_for_reader()
        assert lease(store, "b") == read


def test_a_broken_next_checkpoint_is_reported_by_its_own_job(own):
    store = make_store(own)
    damage(own / "b.safetensors")
    with store.lease("a", "", lambda name: None) as a:
        for name in ("b", "no such"):
            store.expect(Wish(name, "", 0))
            wait_for_reader()
        computed(a.model)
    with pytest.raises(ModelFileError, match=r"b\.safetensors cannot be loaded"):
        lease(store, "b")


def test_low_vram_keeps_the_weights_in_ram(folder):
    store = make_store(folder, device="meta", precision="fp32", vram=Vram("sequential"))
    with store.lease("a", "", lambda name: None) as lease:
        assert lease.model.device.type == "meta"
        assert {weight.device.type for weight in lease.model.unet.parameters()} == {"cpu"}
