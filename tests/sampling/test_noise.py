"""A picture's random numbers depend on its seed alone, and are A1111's."""

import pytest
import torch

from sdui.sampling.noise import ImageNoise, Variation, pasted, slerp

SHAPE = (4, 8, 8)
CPU = torch.device("cpu")
LARGEST = 2**63 - 1


def varied(**changes):
    return {
        "plain": Variation(**changes),
        "subseed": Variation(subseeds=(9, 10, 11), strength=0.3, **changes),
        "resized": Variation(resize_from=(6, 12), **changes),
        "all": Variation(subseeds=(9, 10, 11), strength=0.7, resize_from=(12, 6), ensd=31337, **changes),
    }


def of_picture(variation, index):
    """The same for the picture alone."""
    subseeds = variation.subseeds[index : index + 1]
    return Variation(variation.source, subseeds, variation.strength, variation.resize_from, variation.ensd)


def noise_of(case):
    sides = (case.get("seed_resize_from_h", 0) // 8, case.get("seed_resize_from_w", 0) // 8)
    subseeds, strength = tuple(case.get("subseeds", ())), case.get("subseed_strength", 0.0)
    return ImageNoise(
        case["seeds"], (4, 16, 16), CPU, Variation(case["source"], subseeds, strength, sides, case.get("ensd", 0))
    )


@pytest.fixture
def rounds_alike(random_goldens, digest) -> bool:
    """Whether sines have on this processor the last digits that they had where A1111 ran."""
    first = ImageNoise([0], SHAPE, CPU)
    low, high = first.draw()[0], first.draw()[0]
    return all(digest(slerp(case["share"], low, high)) == case["sha256"] for case in random_goldens["slerp"])


def test_every_golden_batch_is_equal_to_the_bit(random_goldens, digest, rounds_alike):
    cases = random_goldens["image"]
    assert len(cases) == 28
    for case in cases:
        if case.get("subseed_strength") and not rounds_alike:
            continue
        noise = noise_of(case)
        assert [digest(noise.draw()) for _ in range(3)] == case["sha256"], case


def test_every_golden_of_one_seed_is_equal_to_the_bit(random_goldens, digest):
    for case in random_goldens["plain"]:
        noise = ImageNoise([case["seed"]], tuple(case["shape"]), CPU, Variation(case["source"]))
        assert [digest(noise.draw()[0]) for _ in range(2)] == case["sha256"], case


def test_every_golden_mixture_is_equal_to_the_bit_or_to_the_formula(random_goldens, digest):
    first = ImageNoise([0], SHAPE, CPU)
    low, high = first.draw()[0], first.draw()[0]
    for case in random_goldens["slerp"]:
        mixed = slerp(case["share"], low, high)
        exact = slerp(case["share"], low.double(), high.double())
        assert digest(mixed) == case["sha256"] or torch.allclose(mixed.double(), exact, rtol=0, atol=2e-6)
    assert digest(slerp(0.5, low, low)) == random_goldens["slerp_same"]


def test_nearly_equal_noises_are_mixed_the_other_way_round():
    low = torch.ones(1, 2, 2)
    assert torch.equal(slerp(0.25, low, 2 * low), 1.75 * low)


@pytest.mark.parametrize("source", ["GPU", "CPU", "NV"])
@pytest.mark.parametrize("name", varied())
def test_a_picture_gets_the_same_noise_in_any_batch(name, source):
    variation = varied(source=source)[name]
    batch = ImageNoise([5, 6, LARGEST], SHAPE, CPU, variation)
    alone = [ImageNoise([seed], SHAPE, CPU, of_picture(variation, i)) for i, seed in enumerate([5, 6, LARGEST])]
    for _ in range(3):
        assert torch.equal(batch.draw(), torch.cat([noise.draw() for noise in alone]))


def test_on_a_cpu_the_device_is_the_cpu():
    drawn = {source: ImageNoise([5], SHAPE, CPU, Variation(source)).draw() for source in ("GPU", "CPU", "NV")}
    assert torch.equal(drawn["GPU"], drawn["CPU"])
    assert not torch.equal(drawn["GPU"], drawn["NV"])


@pytest.mark.parametrize("source", ["CPU", "NV"])
@pytest.mark.parametrize("seed", [0, 2**32 - 1, 2**32, LARGEST])
def test_the_largest_seeds_work(seed, source):
    variation = Variation(source, (seed,), 0.5, (4, 4), ensd=LARGEST)
    noise = ImageNoise([seed], SHAPE, CPU, variation)
    drawn = [noise.draw(), noise.draw(), noise.brownian(0.1, 10)(10, 1), noise.brownian(0.1, 10, False)(10, 1)]
    assert all(each.shape == (1, *SHAPE) and each.isfinite().all() for each in drawn)


def test_the_noise_after_the_first_does_not_know_of_variations():
    plain = ImageNoise([5], SHAPE, CPU)
    plain.draw()
    expected = plain.draw()
    for variation in varied().values():
        noise = ImageNoise([5], SHAPE, CPU, Variation(subseeds=(9,), strength=0.5, resize_from=variation.resize_from))
        noise.draw()
        assert torch.equal(noise.fresh(3.0, 2.0), expected)


def test_ensd_moves_all_but_the_first_noise_to_another_seed():
    moved, plain, other = (
        ImageNoise([seed], SHAPE, CPU, Variation(ensd=delta)) for seed, delta in ((5, 3), (5, 0), (8, 0))
    )
    assert torch.equal(moved.draw(), plain.draw())
    assert torch.equal(moved.draw(), other.draw())


@pytest.mark.parametrize(("size", "inside"), [((2, 4), (3, 2, 2, 4)), ((6, 6), (1, 1, 6, 6)), ((8, 2), (0, 3, 8, 2))])
def test_noise_of_another_size_lies_in_the_middle(size, inside):
    top, left, rows, columns = inside
    whole = pasted(torch.ones(4, *size), torch.zeros(SHAPE))
    assert whole.sum() == 4 * rows * columns
    assert whole[:, top : top + rows, left : left + columns].all()


@pytest.mark.parametrize("size", [(10, 10), (11, 8), (9, 20)])
def test_of_larger_noise_the_middle_is_taken(size):
    noise = torch.arange(size[0] * size[1]).view(1, *size).float()
    whole = pasted(noise, torch.full((1, 8, 8), torch.nan))
    known = ~whole.isnan()
    before = [(side - 8 + 1) // 2 for side in size]
    rows, columns = (min(8, side - 2 * cut) for side, cut in zip(size, before, strict=True))
    assert known.sum() == rows * columns
    assert torch.equal(whole[:, :rows, :columns], noise[:, before[0] :, before[1] :][:, :rows, :columns])


@pytest.mark.parametrize("rows", [1, 2])
def test_a_variation_of_few_rows_is_a_number_everywhere(rows):
    """Columns of one row are parallel, and those of two so nearly that their cosine may be rounded to above 1."""
    low, high = torch.randn(2, 4, rows, 4096, generator=torch.Generator().manual_seed(3))
    assert slerp(0.3, low, high).isfinite().all()
