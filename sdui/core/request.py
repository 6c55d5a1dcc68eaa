"""What the user asked for: everything that changes pixels, and nothing else."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SerializeAsAny

from .extras import ExtrasRequest, InterrogateRequest
from .groups import Extended
from .merging import MergeRequest
from .pairs import squeezed
from .params import Param, Params, Text
from .picture_batch import PictureSource, ResizeBy
from .sampling_options import GuidanceOptions, SamplingOptions
from .stages import Hires, InitImage, Refiner
from .text_options import TextOptions


def _multiple_of_8(pixels: int) -> int:
    return pixels // 8 * 8


# A latent cell covers 8 pixels; like A1111, other sizes are rounded down.
Side = Annotated[int, Field(ge=8, le=16384), AfterValidator(_multiple_of_8)]


_HASH_LISTS = ("lorahashes", "tihashes")
"""Keys of an infotext, squeezed, under which are names and hashes: "first: 0123456789ab, second: ..."."""


def is_hash_list(key: str) -> bool:
    """Whether a pair of this key in `others` is read as `network_hashes`."""
    return squeezed(key) in _HASH_LISTS


class GenerationRequest(Extended):
    """Frozen, JSON-serialisable, device-free: equal on the page, the API, a remote worker and in a test.

    Fields stand in the order in which A1111's infotext has them.
    """

    prompt: Annotated[
        Text,
        Param(
            "Prompt",
            "What the picture shows. (word) or (word:1.3) raises attention, [word] lowers it, BREAK ends a chunk.",
            widget="prompt",
        ),
    ] = ""
    negative_prompt: Annotated[
        Text, Param("Negative prompt", "What the picture must not show.", widget="prompt", elem_id="neg_prompt")
    ] = ""
    steps: Annotated[
        int,
        Field(ge=1, le=1000),
        Param(
            "Sampling steps",
            "How many times the picture is improved; more is slower and, past some point, no better.",
            slider=(1, 150),
            infotext="Steps",
            infotext_always=True,
        ),
    ] = 20
    sampler: Annotated[
        str,
        Param(
            "Sampling method",
            "The algorithm that turns noise into a picture.",
            choices="samplers",
            infotext="Sampler",
            infotext_always=True,
            a1111="sampler_name",
            elem_id="sampling",
        ),
    ] = "DPM++ 2M"
    schedule: Annotated[
        str,
        Param(
            "Schedule type",
            "How noise falls from step to step; Automatic is the sampler's own preference.",
            choices="schedules",
            infotext="Schedule type",
            infotext_always=True,
            a1111="scheduler",
            elem_id="scheduler",
        ),
    ] = "Automatic"
    cfg_scale: Annotated[
        float,
        Field(ge=0, le=1000),
        Param(
            "CFG Scale",
            "How closely the picture follows the prompt.",
            step=0.5,
            slider=(1, 30),
            infotext="CFG scale",
            infotext_always=True,
        ),
    ] = 7.0
    image_cfg_scale: Annotated[
        float,
        Field(ge=0, le=1000),
        Param(
            "Image CFG Scale",
            "How closely the picture follows the first one; for InstructPix2Pix checkpoints.",
            step=0.05,
            slider=(0, 3),
            infotext="Image CFG scale",
        ),
    ] = 1.5
    seed: Annotated[
        int,
        Field(ge=-1, le=2**63 - 1),
        Param(
            "Seed",
            "Start of the random numbers: the same seed gives the same picture. -1 takes a new one each time.",
            widget="seed",
            infotext="Seed",
            infotext_always=True,
        ),
    ] = -1
    width: Annotated[
        Side, Param("Width", "In pixels.", step=8, slider=(64, 2048), infotext="Size-1", infotext_always=True)
    ] = 512
    height: Annotated[
        Side, Param("Height", "In pixels.", step=8, slider=(64, 2048), infotext="Size-2", infotext_always=True)
    ] = 512
    model_hash: Annotated[
        str,
        Param(
            "Model hash",
            "First digits of the checkpoint's SHA-256; finds it when the file was renamed.",
            infotext="Model hash",
        ),
    ] = ""
    model: Annotated[
        str,
        Param(
            "Stable Diffusion checkpoint",
            "The model that draws. Files live in models/Stable-diffusion.",
            choices="checkpoints",
            infotext="Model",
            a1111="sd_model_checkpoint",
        ),
    ] = ""
    vae_hash: Annotated[
        str,
        Param(
            "VAE hash",
            "First digits of the VAE file's SHA-256; finds it when the file was renamed.",
            infotext="VAE hash",
        ),
    ] = ""
    vae: Annotated[
        str,
        Param(
            "SD VAE",
            "What turns latents into the picture. Automatic takes the one that belongs to the checkpoint, None the one "
            "inside it. Files live in models/VAE.",
            choices="vaes",
            infotext="VAE",
            a1111="sd_vae",
            section="VAE",
        ),
    ] = "Automatic"
    vae_overrides_preference: Annotated[
        bool,
        Param(
            "Selected VAE overrides per-model preferences",
            "Otherwise a VAE that belongs to the checkpoint, by its name or your notes, goes before the selected one.",
            a1111="sd_vae_overrides_per_model_preferences",
            section="VAE",
        ),
    ] = True
    vae_bfloat16: Annotated[
        bool,
        Param(
            "Automatically convert VAE to bfloat16",
            "When half precision gives NaN, try bf16 before fp32: it takes less memory and is less exact.",
            infotext="VAE falls back to bf16",
            a1111="auto_vae_precision_bfloat16",
            section="VAE",
        ),
    ] = False
    subseed: Annotated[
        int,
        Field(ge=-1, le=2**63 - 1),
        Param(
            "Variation seed",
            "Seed of the noise that is mixed in. -1 takes a new one each time.",
            widget="seed",
            infotext="Variation seed",
        ),
    ] = -1
    subseed_strength: Annotated[
        float,
        Field(ge=0, le=1),
        Param(
            "Variation strength",
            "How much of the variation seed's noise is mixed in.",
            step=0.01,
            infotext="Variation seed strength",
        ),
    ] = 0.0
    seed_resize_from_w: Annotated[
        int,
        Field(ge=0, le=16384),
        Param(
            "Resize seed from width",
            "The seed's picture at another size; 0 is off.",
            step=8,
            slider=(0, 2048),
            infotext="Seed resize from-1",
        ),
    ] = 0
    seed_resize_from_h: Annotated[
        int,
        Field(ge=0, le=16384),
        Param(
            "Resize seed from height",
            "The seed's picture at another size; 0 is off.",
            step=8,
            slider=(0, 2048),
            infotext="Seed resize from-2",
        ),
    ] = 0
    inpainting_mask_weight: Annotated[
        float,
        Field(ge=0, le=1),
        Param(
            "Inpainting conditioning mask strength",
            "How much of the masked part an inpainting checkpoint is not shown.",
            step=0.01,
            infotext="Conditional mask weight",
            section="img2img",
        ),
    ] = 1.0
    clip_skip: Annotated[
        int,
        Field(ge=1, le=12),
        Param(
            "Clip skip",
            "Which of the text encoder's last layers is listened to; anime models often want 2.",
            infotext="Clip skip",
            a1111="CLIP_stop_at_last_layers",
            section="Stable Diffusion",
        ),
    ] = 1
    eta_noise_seed_delta: Annotated[
        int,
        Field(ge=-(2**31), le=2**63 - 1),
        Param(
            "Eta noise seed delta",
            "Added to the seed of the noise that samplers add.",
            infotext="ENSD",
            section="Sampler parameters",
        ),
    ] = 0
    token_merging_ratio: Annotated[
        float,
        Field(ge=0, le=0.9),
        Param(
            "Token merging ratio",
            "Share of the tokens that are merged: faster, with less detail.",
            step=0.1,
            infotext="Token merging ratio",
            section="Optimizations",
        ),
    ] = 0.0
    randn_source: Annotated[
        str,
        Param(
            "Random number generator source",
            "CPU and NV (what a GeForce draws) give the same picture on every machine.",
            choices=("GPU", "CPU", "NV"),
            infotext="RNG",
            section="Stable Diffusion",
        ),
    ] = "GPU"
    tiling: Annotated[
        bool,
        Param(
            "Tiling", "Make a picture that can be tiled without seams.", infotext="Tiling", section="Stable Diffusion"
        ),
    ] = False
    text: TextOptions = TextOptions()
    sampling: SamplingOptions = SamplingOptions()
    guidance: GuidanceOptions = GuidanceOptions()
    img2img_extra_noise: Annotated[
        float,
        Field(ge=0, le=1),
        Param(
            "Extra noise multiplier for img2img and hires fix",
            "More noise gives more detail; 0 adds none.",
            step=0.01,
            infotext="Extra noise",
            section="img2img",
        ),
    ] = 0.0
    init: InitImage | None = None
    hires: Hires | None = None
    refiner: Refiner | None = None
    styles: Annotated[
        tuple[str, ...],
        Param(
            "Styles",
            "Pieces of prompt that are added to yours, from styles.csv. A picture's own text has their words instead.",
        ),
    ] = ()
    others: dict[str, str] = {}
    """Pairs of an infotext that mean nothing here, such as other programs' extensions'; carried through as they are."""
    batch_count: Annotated[
        int,
        Field(ge=1, le=10000),
        Param("Batch count", "How many batches to make one after the other.", slider=(1, 100), a1111="n_iter"),
    ] = 1
    batch_size: Annotated[
        int,
        Field(ge=1, le=64),
        Param("Batch size", "How many pictures to make at once; needs more memory.", slider=(1, 8)),
    ] = 1

    @property
    def network_hashes(self) -> dict[str, str]:
        """First digits of hashes by the names of the LoRAs and embeddings that the prompts had when they were used.

        They are in `others`, from the infotext's "Lora hashes" and "TI hashes", and find files that were renamed.
        """
        lists = (text.split(",") for key, text in self.others.items() if is_hash_list(key))
        pairs = (entry.rpartition(":") for entries in lists for entry in entries)
        return {name.strip(): digits.strip() for name, colon, digits in pairs if colon}

    @property
    def lasting_others(self) -> dict[str, str]:
        """`others` without the hashes of networks: a new picture writes those that it was drawn with itself."""
        return {key: text for key, text in self.others.items() if not is_hash_list(key)}


class LoadRequest(Params):
    """Make a checkpoint ready without drawing, so that the next picture starts at once."""

    model: str = ""


class UnloadRequest(Params):
    """Move what is on a GPU into RAM, so that other programs have the GPU's memory."""


class HashRequest(Params):
    """Calculate the hashes of all model files of which they are not known."""


class BatchRequest(Params):
    """img2img of every picture of a source, one after the other."""

    request: SerializeAsAny[GenerationRequest]
    """Of each; its picture and its mask are b"", "to be given"."""
    source: PictureSource = PictureSource()
    resize: ResizeBy | None = None
    """In place of the request's width and height."""


Task = (
    GenerationRequest
    | BatchRequest
    | LoadRequest
    | UnloadRequest
    | HashRequest
    | MergeRequest
    | ExtrasRequest
    | InterrogateRequest
)
