"""Each kind of change against its formula, written out element by element or in another way than the code's."""

import pytest
import torch

from sdui.models.adapters.kinds import changed
from sdui.models.adapters.parts import fitted

OUT, IN, RANK = 6, 8, 3
GENERATOR = torch.Generator().manual_seed(0)


def random(*shape):
    return torch.randn(shape, generator=GENERATOR)


W, CONV = random(OUT, IN), random(OUT, IN, 3, 3)
ALPHA = torch.tensor(1.5)


def weight_of(weight, parts, strength=1.0, rank=None):
    return changed(weight, None, parts, strength, rank).weight


def assert_change(weight, parts, expected, **how):
    torch.testing.assert_close(weight_of(weight, parts, **how), weight + expected)


def test_lora_is_scaled_by_alpha_over_rank_and_by_its_strength():
    up, down = random(OUT, RANK), random(RANK, IN)
    parts = {"lora_up.weight": up, "lora_down.weight": down}
    assert_change(W, parts, up @ down)
    assert_change(W, parts | {"alpha": ALPHA}, 0.7 * 1.5 / RANK * (up @ down), strength=0.7)
    assert_change(W, parts | {"alpha": ALPHA, "scale": torch.tensor(2.0)}, 2 * (up @ down))


def test_a_cut_rank_uses_the_first_columns_and_keeps_the_scale():
    up, down = random(OUT, RANK), random(RANK, IN)
    parts = {"lora_up.weight": up, "lora_down.weight": down, "alpha": ALPHA}
    assert_change(W, parts, 1.5 / RANK * (up[:, :2] @ down[:2]), rank=2)


def test_locon_has_the_window_in_its_lower_half():
    up, down = random(OUT, RANK, 1, 1), random(RANK, IN, 3, 3)
    parts = {"lora_up.weight": up, "lora_down.weight": down}
    assert_change(CONV, parts, torch.einsum("or,rihw->oihw", up[..., 0, 0], down))


def test_locon_in_cp_form_has_the_window_in_the_middle():
    up, mid, down = random(OUT, RANK, 1, 1), random(RANK, RANK, 3, 3), random(RANK, IN, 1, 1)
    parts = {"lora_up.weight": up, "lora_mid.weight": mid, "lora_down.weight": down}
    # A convolution after another one is the convolution that they are together.
    picture = random(1, IN, 5, 5)
    conv = torch.nn.functional.conv2d
    expected = conv(conv(conv(picture, down), mid), up)
    made = conv(picture, weight_of(CONV, parts) - CONV)
    torch.testing.assert_close(made, expected, atol=1e-4, rtol=1e-4)


def loha(window):
    a, b = random(OUT, RANK), random(RANK, IN, *window)
    return a, b, (a @ b.flatten(1)).view(OUT, IN, *window)


@pytest.mark.parametrize("window", [(), (3, 3)])
def test_loha_multiplies_two_changes(window):
    weight = CONV if window else W
    (a1, b1, first), (a2, b2, second) = loha(window), loha(window)
    parts = {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2, "alpha": ALPHA}
    assert_change(weight, parts, first * second * 1.5 / RANK)


def test_loha_in_tucker_form():
    parts = {f"hada_w{i}_{side}": random(RANK, size) for i in (1, 2) for side, size in (("a", OUT), ("b", IN))}
    parts |= {f"hada_t{i}": random(RANK, RANK, 3, 3) for i in (1, 2)}
    each = [
        torch.einsum("rshw,ro,si->oihw", parts[f"hada_t{i}"], parts[f"hada_w{i}_a"], parts[f"hada_w{i}_b"])
        for i in (1, 2)
    ]
    assert_change(CONV, parts, each[0] * each[1])


def test_lokr_of_whole_matrices_has_no_alpha():
    first, second = random(2, 4), random(3, 2)
    parts = {"lokr_w1": first, "lokr_w2": second, "alpha": ALPHA}
    expected = torch.stack([torch.cat([x * second for x in row], dim=1) for row in first]).flatten(0, 1)
    assert_change(W, parts, expected)


def test_lokr_of_factors_is_scaled_by_the_rank():
    a, b, second = random(2, RANK), random(RANK, 4), random(3, 2)
    parts = {"lokr_w1_a": a, "lokr_w1_b": b, "lokr_w2": second, "alpha": ALPHA}
    assert_change(W, parts, torch.kron(a @ b, second) * 1.5 / RANK)


def test_lokr_over_a_window():
    first, a, b, core = random(2, 4), random(RANK, 3), random(RANK, 2), random(RANK, RANK, 3, 3)
    parts = {"lokr_w1": first, "lokr_w2_a": a, "lokr_w2_b": b, "lokr_t2": core, "alpha": ALPHA}
    second = torch.einsum("rshw,ro,si->oihw", core, a, b)
    expected = torch.einsum("ab,oihw->aobihw", first, second).reshape(CONV.shape)
    assert_change(CONV, parts, expected * 1.5 / RANK)


def test_glora_reads_the_weight_and_ignores_alpha():
    a1, a2, b1, b2 = random(RANK, IN), random(IN, RANK), random(RANK, IN), random(OUT, RANK)
    parts = {"a1.weight": a1, "a2.weight": a2, "b1.weight": b1, "b2.weight": b2, "alpha": ALPHA}
    assert_change(W, parts, W @ (a2 @ a1) + b2 @ b1)


@pytest.mark.parametrize("weight", [W, CONV], ids=["linear", "convolution"])
def test_ia3_scales_channels(weight):
    on_output, on_input = random(OUT, 1), random(1, IN)
    off, on = torch.tensor(0.0), torch.tensor(1.0)
    outputs = torch.einsum("o...,o->o...", weight, on_output[:, 0])
    inputs = torch.einsum("oi...,i->oi...", weight, on_input[0])
    assert_change(weight, {"weight": on_output, "on_input": off}, outputs)
    assert_change(weight, {"weight": on_input, "on_input": on}, inputs)


def rotations_of(blocks):
    skew = blocks - blocks.mT
    eye = torch.eye(blocks.shape[-1])
    return torch.linalg.solve(eye - skew, eye + skew, left=False)


@pytest.mark.parametrize("weight", [W, CONV], ids=["linear", "convolution"])
def test_oft_turns_blocks_of_outputs_and_keeps_their_length(weight):
    blocks = random(2, 3, 3)
    turned = weight_of(weight, {"oft_blocks": blocks, "alpha": torch.tensor(0.0)})
    torch.testing.assert_close(turned.norm(), weight.norm())
    first, second = rotations_of(blocks)
    expected = torch.cat([first.T @ weight[:3].flatten(1), second.T @ weight[3:].flatten(1)]).view(weight.shape)
    torch.testing.assert_close(turned, expected)
    halfway = weight_of(weight, {"oft_blocks": blocks}, strength=0.5)
    torch.testing.assert_close(halfway, (weight + expected) / 2)


def test_ofts_alpha_limits_how_far_it_turns():
    blocks = random(2, 3, 3)
    limit = 0.01
    turned = weight_of(W, {"oft_blocks": blocks, "alpha": torch.tensor(limit)})
    skew = blocks - blocks.mT
    shortened = blocks * (limit * OUT / skew.norm())
    torch.testing.assert_close(turned, weight_of(W, {"oft_blocks": shortened}), atol=1e-5, rtol=1e-5)


def test_lycoris_older_oft_holds_rotations_and_a_rescale():
    blocks, rescale = random(2, 3, 3), random(OUT)
    expected = torch.block_diag(*blocks).T @ W * rescale[:, None]
    torch.testing.assert_close(weight_of(W, {"oft_diag": blocks, "rescale": rescale}), expected)


def test_boft_turns_in_layers_of_blocks_that_lie_further_and_further_apart():
    """The second layer's blocks of 2 take outputs 0 and 2, 1 and 3, and so on (arXiv:2311.06243, figure 3)."""
    weight, layers = random(4, IN), random(2, 2, 2, 2)
    near, far = (rotations_of(blocks) for blocks in layers)
    first = torch.block_diag(*near) @ weight
    second = torch.empty_like(first)
    second[[0, 2]] = far[0] @ first[[0, 2]]
    second[[1, 3]] = far[1] @ first[[1, 3]]
    torch.testing.assert_close(weight_of(weight, {"oft_blocks": layers}), second)


def test_full_differences_and_norms_change_the_bias_too():
    difference, bias, shift = random(OUT, IN), random(OUT), random(OUT)
    new = changed(W, bias, {"diff": difference, "diff_b": shift}, 0.5, None)
    torch.testing.assert_close(new.weight, W + difference / 2)
    torch.testing.assert_close(new.bias, bias + shift / 2)
    scales = random(OUT)
    new = changed(scales, bias, {"w_norm": difference[:, 0].clone(), "b_norm": shift}, 2, None)
    torch.testing.assert_close(new.weight, scales + 2 * difference[:, 0])
    torch.testing.assert_close(new.bias, bias + 2 * shift)
    new = changed(W, None, {"diff_b": shift}, 1, None)
    assert new.weight is None
    torch.testing.assert_close(new.bias, shift)


@pytest.mark.parametrize("of", ["inputs", "outputs", "outputs of PEFT"])
def test_dora_sets_lengths_after_the_change(of):
    up, down = random(OUT, RANK), random(RANK, IN)
    axis, size = (0, IN) if of == "inputs" else (1, OUT)
    magnitude = random(size).abs() + 0.5
    shape = {"inputs": (1, IN), "outputs": (OUT, 1), "outputs of PEFT": (OUT,)}[of]
    parts = {"lora_up.weight": up, "lora_down.weight": down, "alpha": ALPHA, "dora_scale": magnitude.view(shape)}
    made = weight_of(W, parts)
    torch.testing.assert_close(made.norm(dim=axis), magnitude)
    direction = W + up @ down * 1.5 / RANK
    torch.testing.assert_close(
        made / made.norm(dim=axis, keepdim=True), direction / direction.norm(dim=axis, keepdim=True)
    )
    torch.testing.assert_close(weight_of(W, parts, strength=0.25), W + (made - W) / 4)


def test_a_change_may_have_an_offset_whole_or_as_coordinates():
    up, down = random(OUT, RANK), random(RANK, IN)
    parts = {"lora_up.weight": up, "lora_down.weight": down, "alpha": ALPHA}
    offset = torch.zeros(OUT, IN)
    offset[1, 2], offset[5, 0] = 3.0, -2.0
    sparse = {
        "bias_indices": torch.tensor([[1.0, 5.0], [2.0, 0.0]]),
        "bias_values": torch.tensor([3.0, -2.0]),
        "bias_size": torch.tensor([float(OUT), float(IN)]),
    }
    expected = (up @ down + offset) * 1.5 / RANK
    assert_change(W, parts | {"bias": offset}, expected)
    assert_change(W, parts | sparse, expected)


def test_a_plain_checkpoints_first_layer_fits_an_inpainting_one():
    change = random(OUT, 4, 3, 3)
    made = fitted(change, random(OUT, 9, 3, 3))
    assert torch.equal(made[:, :4], change) and not made[:, 4:].any()


def test_other_sizes_do_not_fit():
    with pytest.raises(RuntimeError):
        weight_of(W, {"diff": random(OUT, IN + 1)})


def test_tensors_of_no_known_kind_change_nothing():
    assert changed(W, None, {"alpha": ALPHA}, 1, None) is None
