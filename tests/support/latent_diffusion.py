"""A tiny super-resolution model as CompVis' latent-diffusion writes it, and what it computes, without diffusers."""

import math

import torch
from torch.nn import functional

UNET, VQ = "model.diffusion_model.", "first_stage_model."
HEAD = 32


def tiny_weights():
    """Two levels of 32 and 64 channels, attention in the second; 16 vectors; the plain UNet is off its average."""
    made = _Weights()
    unet = UNET
    made.layer(f"{unet}time_embed.0", 128, 32)
    made.layer(f"{unet}time_embed.2", 128, 128)
    made.layer(f"{unet}input_blocks.0.0", 32, 6, 3, 3)
    made.layer(f"{unet}input_blocks.2.0.op", 32, 32, 3, 3)
    made.layer(f"{unet}output_blocks.1.2.conv", 64, 64, 3, 3)
    residual = {
        "input_blocks.1.0": (32, 32),
        "input_blocks.3.0": (32, 64),
        "middle_block.0": (64, 64),
        "middle_block.2": (64, 64),
        "output_blocks.0.0": (128, 64),
        "output_blocks.1.0": (96, 64),
        "output_blocks.2.0": (96, 32),
        "output_blocks.3.0": (64, 32),
    }
    for name, (given, out) in residual.items():
        made.residual(unet + name, given, out, ("in_layers.0", "in_layers.2", "out_layers.0", "out_layers.3"))
        made.layer(f"{unet}{name}.emb_layers.1", out, 128)
        if given != out:
            made.layer(f"{unet}{name}.skip_connection", out, given, 1, 1)
    for name in ("input_blocks.3.1", "middle_block.1", "output_blocks.0.1", "output_blocks.1.1"):
        made.layer(f"{unet}{name}.norm", 64)
        made.layer(f"{unet}{name}.qkv", 192, 64, 1)
        made.layer(f"{unet}{name}.proj_out", 64, 64, 1)
    made.layer(f"{unet}out.0", 32)
    made.layer(f"{unet}out.2", 3, 32, 3, 3)
    _first_stage(made)
    state = made.state
    averages = {f"model_ema.{_undotted(name)}": one for name, one in state.items() if name.startswith(UNET)}
    return {name: one + name.startswith(UNET) for name, one in state.items()} | averages


def _first_stage(made):
    names = ("norm1", "conv1", "norm2", "conv2")
    made.state[f"{VQ}quantize.embedding.weight"] = torch.randn(16, 3, generator=made.random)
    made.layer(f"{VQ}post_quant_conv", 3, 3, 1, 1)
    made.layer(f"{VQ}encoder.conv_in", 32, 3, 3, 3)
    for level, width in enumerate((32, 32, 64)):
        made.layer(f"{VQ}encoder.down.{level}.block.0.conv2", width, width, 3, 3)
    decoder = f"{VQ}decoder."
    made.layer(f"{decoder}conv_in", 64, 3, 3, 3)
    for block in ("mid.block_1", "mid.block_2", "up.2.block.0", "up.2.block.1"):
        made.residual(decoder + block, 64, 64, names)
    made.layer(f"{decoder}mid.attn_1.norm", 64)
    for part in ("q", "k", "v", "proj_out"):
        made.layer(f"{decoder}mid.attn_1.{part}", 64, 64, 1, 1)
    made.residual(f"{decoder}up.1.block.0", 64, 32, names)
    made.layer(f"{decoder}up.1.block.0.nin_shortcut", 32, 64, 1, 1)
    for block in ("up.1.block.1", "up.0.block.0", "up.0.block.1"):
        made.residual(decoder + block, 32, 32, names)
    made.layer(f"{decoder}up.2.upsample.conv", 64, 64, 3, 3)
    made.layer(f"{decoder}up.1.upsample.conv", 32, 32, 3, 3)
    made.layer(f"{decoder}norm_out", 32)
    made.layer(f"{decoder}conv_out", 3, 32, 3, 3)


class _Weights:
    def __init__(self):
        self.state = {}
        self.random = torch.Generator().manual_seed(1)

    def layer(self, name, *shape):
        spread = 1 / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 else 0.2
        weight = torch.randn(shape, generator=self.random) * spread
        self.state[f"{name}.weight"] = weight if len(shape) > 1 else weight + 1
        self.state[f"{name}.bias"] = torch.randn(shape[0], generator=self.random) * 0.1

    def residual(self, name, given, out, names):
        norm1, conv1, norm2, conv2 = (f"{name}.{one}" for one in names)
        self.layer(norm1, given)
        self.layer(conv1, out, given, 3, 3)
        self.layer(norm2, out)
        self.layer(conv2, out, out, 3, 3)


def _undotted(name):
    return name.removeprefix("model.").replace(".", "")


def drawn(unet, small, steps):
    """[1,3,H,W] in -1..1 -> latents of that size: DDIM with eta 1."""
    betas = torch.linspace(0.0015**0.5, 0.0155**0.5, 1000, dtype=torch.float64) ** 2
    alphas = torch.cumprod(1 - betas, 0)
    noise = torch.Generator().manual_seed(0)
    x = torch.randn(small.shape, generator=noise)
    times = list(range(1, 1000, 1000 // steps))
    for place, time in reversed(list(enumerate(times))):
        now, before = alphas[time], alphas[times[place - 1] if place else 0]
        told = unet(torch.cat([x, small], 1), time)
        sigma = ((1 - before) / (1 - now) * (1 - now / before)).sqrt()
        clean = (x - (1 - now).sqrt() * told) / now.sqrt()
        x = before.sqrt() * clean + (1 - before - sigma**2).sqrt() * told
        x = (x + sigma * torch.randn(x.shape, generator=noise)).float()
    return x


class Reference:
    """What the weights compute, read off CompVis' names alone."""

    def __init__(self, state):
        self.state = state | {n: state[f"model_ema.{_undotted(n)}"] for n in state if n.startswith(UNET)}

    def unet(self, x, time):
        angles = time * torch.exp(-math.log(10000) * torch.arange(16) / 16)
        embedded = torch.cat([angles.cos(), angles.sin()])[None]
        embedded = self._layer(f"{UNET}time_embed.2", functional.silu(self._layer(f"{UNET}time_embed.0", embedded)))
        kept = []
        for place in range(4):
            x = self._block(f"{UNET}input_blocks.{place}.", x, embedded)
            kept.append(x)
        x = self._block(f"{UNET}middle_block.", x, embedded)
        for place in range(4):
            x = self._block(f"{UNET}output_blocks.{place}.", torch.cat([x, kept.pop()], 1), embedded)
        return self._layer(f"{UNET}out.2", self._active(f"{UNET}out.0", x, 1e-5), padding=1)

    def _block(self, block, x, embedded):
        for part in (f"{block}{place}" for place in range(3)):
            if f"{part}.emb_layers.1.weight" in self.state:
                x = self._residual(part, x, embedded)
            elif f"{part}.qkv.weight" in self.state:
                x = self._attention(part, x)
            elif f"{part}.op.weight" in self.state:
                x = self._layer(f"{part}.op", x, padding=1, stride=2)
            elif f"{part}.conv.weight" in self.state:
                x = self._layer(f"{part}.conv", functional.interpolate(x, scale_factor=2), padding=1)
            elif f"{part}.weight" in self.state:
                x = self._layer(part, x, padding=1)
        return x

    def _residual(self, part, x, embedded):
        made = self._layer(f"{part}.in_layers.2", self._active(f"{part}.in_layers.0", x, 1e-5), padding=1)
        made = made + self._layer(f"{part}.emb_layers.1", functional.silu(embedded))[..., None, None]
        made = self._layer(f"{part}.out_layers.3", self._active(f"{part}.out_layers.0", made, 1e-5), padding=1)
        skip = f"{part}.skip_connection"
        return made + (self._layer(skip, x) if f"{skip}.weight" in self.state else x)

    def _attention(self, part, x):
        flat = self._norm(f"{part}.norm", x, 1e-5).flatten(2)
        told = self._layer(f"{part}.qkv", flat)
        heads = []
        for rows in told.split(3 * HEAD, 1):
            q, k, v = (one.transpose(1, 2) for one in rows.split(HEAD, 1))
            heads.append(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2))
        return x + self._layer(f"{part}.proj_out", torch.cat(heads, 1)).view(x.shape)

    def decoded(self, z):
        vectors = self.state[f"{VQ}quantize.embedding.weight"]
        rows = z.permute(0, 2, 3, 1).reshape(-1, 3)
        nearest = vectors[((rows[:, None] - vectors) ** 2).sum(-1).argmin(1)]
        z = nearest.view(1, *z.shape[2:], 3).permute(0, 3, 1, 2)
        x = self._layer(f"{VQ}decoder.conv_in", self._layer(f"{VQ}post_quant_conv", z), padding=1)
        x = self._plain(f"{VQ}decoder.mid.block_1", x)
        part = f"{VQ}decoder.mid.attn_1"
        flat = self._norm(f"{part}.norm", x, 1e-6)
        q, k, v = (self._layer(f"{part}.{one}", flat).flatten(2).transpose(1, 2) for one in "qkv")
        seen = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).view(x.shape)
        x = self._plain(f"{VQ}decoder.mid.block_2", x + self._layer(f"{part}.proj_out", seen))
        for level in (2, 1, 0):
            for block in (0, 1):
                x = self._plain(f"{VQ}decoder.up.{level}.block.{block}", x)
            if level:
                doubled = functional.interpolate(x, scale_factor=2)
                x = self._layer(f"{VQ}decoder.up.{level}.upsample.conv", doubled, padding=1)
        return self._layer(f"{VQ}decoder.conv_out", self._active(f"{VQ}decoder.norm_out", x, 1e-6), padding=1)

    def _plain(self, part, x):
        made = self._layer(f"{part}.conv1", self._active(f"{part}.norm1", x, 1e-6), padding=1)
        made = self._layer(f"{part}.conv2", self._active(f"{part}.norm2", made, 1e-6), padding=1)
        skip = f"{part}.nin_shortcut"
        return made + (self._layer(skip, x) if f"{skip}.weight" in self.state else x)

    def _norm(self, name, x, least):
        return functional.group_norm(x, 32, self.state[f"{name}.weight"], self.state[f"{name}.bias"], least)

    def _active(self, name, x, least):
        return functional.silu(self._norm(name, x, least))

    def _layer(self, name, x, **how):
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        applied = {2: functional.linear, 3: functional.conv1d, 4: functional.conv2d}[weight.ndim]
        return applied(x, weight, bias, **how)
