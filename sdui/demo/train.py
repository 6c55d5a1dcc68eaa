"""`python -m sdui.demo.train`: makes the bundled checkpoint, or goes on with it."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from sdui.core.errors import SduiError
from sdui.models.hashes import sha256_of

from .concepts import CONCEPTS, FEW
from .evaluate import BUNDLED, DATA
from .fresh import fresh_networks
from .latents import Latents, latents_of, normalised
from .scenes import Stage, training_scenes
from .sheet import draw_sheet, sheet_cases
from .single_file import Networks, read_networks, training_of, write_networks
from .sprites import sprites
from .text import TextLoss, WordsToLook
from .training import Trainee
from .unet import SmallHeads, UnetLoss
from .vae import VaeLoss, hardened, soften
from .vocabulary import compact, expanded, vocabulary_of


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each part is trained, in steps."""

    vae: int = 1400
    text: int = 2500
    unet: int = 8000
    decoder: int = 1500
    batch: int = 16
    """Pictures that the UNet sees in a step."""


_HELP = {
    "vae": "steps of the VAE's training",
    "text": "steps of the text encoder's",
    "unet": "steps of the UNet's",
    "decoder": "steps in which the VAE's decoder learns alone",
    "batch": "pictures that the UNet sees in a step",
}


@dataclass(frozen=True, slots=True)
class Start:
    """What training begins with."""

    networks: Networks
    training: tuple[str, ...]
    """How that was made, a line for each part."""


def start_from(file: Path) -> Start:
    """Raises ModelFileError when it is no such checkpoint."""
    before = training_of(file) or [f"- begun with a checkpoint of SHA-256 {sha256_of(file)}"]
    return Start(read_networks(file), tuple(before))


class Course:
    """Trains part after part; each goes on from what an earlier run left in the data folder."""

    def __init__(self, data: Path, start: Start, plan: Plan, objects: int, device: torch.device) -> None:
        self._data, self._networks, self._plan, self._device = data, start.networks, plan, device
        self._before, self._trainees = start.training, list[Trainee]()
        self._scenes = training_scenes(objects)
        self._stage = Stage(sprites(data))
        self._vocabulary = vocabulary_of(objects)
        self.result = data / "sdui-demo.safetensors"

    def run(self) -> None:
        """Raises what reading and writing files raises."""
        vae = self._networks.vae
        soften(vae)
        self._train_vae(vae, "vae", self._plan.vae, 2e-4)
        latents = latents_of(self._scenes, self._stage, vae, self._device, self._data / "latents.pt")
        text = self._trained_text(latents)
        unet = _at(self._networks.unet, self._device)
        if self._device.type == "cpu":
            unet.set_attn_processor(SmallHeads())
        trainee = self._trainee(unet, "unet", 5e-4)
        loss = UnetLoss(latents, self._vocabulary, text.text, self._plan.batch)

        def write() -> None:
            self._write(trainee.averaged(), latents, text)
            # A third of them, or looking would take longer than learning.
            draw_sheet(self.result, self._stage, self._data / f"sheet-{trainee.step:06}.png", sheet_cases()[::3])

        trainee.learn(self._plan.unet, lambda step: loss(unet, self._device, step), write)
        self._train_vae(vae, "decoder", self._plan.decoder, 3e-4)
        self._write(trainee.averaged(), latents, text)
        draw_sheet(self.result, self._stage, self._data / "sheet.png")

    def _train_vae(self, vae: AutoencoderKL, name: str, steps: int, rate: float) -> None:
        """The whole of it, or the decoder alone, which leaves latents as they are."""
        _at(vae, self._device)
        seen = [scene for scene in self._scenes if not scene.held_out]
        loss = VaeLoss(self._stage, seen, crop=64, batch=8, decoder_only=name == "decoder")
        loss.choose(vae)
        trainee = self._trainee(vae, name, rate)
        trainee.learn(steps, lambda step: loss(vae, self._device, step))
        vae.load_state_dict(trainee.averaged())

    def _trained_text(self, latents: Latents) -> WordsToLook:
        loss = TextLoss(latents, self._vocabulary, batch=32)
        network = WordsToLook(compact(self._networks.text, self._vocabulary))
        loss.fit(network)
        network.to(self._device)
        trainee = self._trainee(network, "text", 1e-3)
        trainee.learn(self._plan.text, lambda step: loss(network, self._device, step))
        network.load_state_dict(trainee.averaged())
        return network.requires_grad_(False)

    def _trainee(self, network: nn.Module, name: str, rate: float) -> Trainee:
        trainee = Trainee(network, self._data / f"{name}.pt", rate=rate)
        self._trainees.append(trainee)
        return trainee

    def _training(self) -> list[str]:
        done = [trainee for trainee in self._trainees if trainee.step]
        where = f"on {torch.get_num_threads()} CPU cores" if self._device.type == "cpu" else f"on {_gpu(self._device)}"
        return [
            *self._before,
            *(f"- {one.file.stem}: {one.step:,} steps, {one.seconds / 60:.0f} min {where}" for one in done),
        ]

    def _write(self, unet: Mapping[str, Tensor], latents: Latents, text: WordsToLook) -> None:
        networks = Networks(
            _with_state(self._networks.unet, unet),
            normalised(hardened(copy.deepcopy(self._networks.vae).cpu()), latents),
            expanded(copy.deepcopy(text.text).cpu(), self._vocabulary),
        )
        write_networks(networks, self.result, self._training())


def _at(network: Any, device: torch.device) -> Any:
    """There, with the layout in memory that convolutions are quickest with."""
    return network.to(device, memory_format=torch.channels_last)


def _with_state(network: UNet2DConditionModel, state: Mapping[str, Tensor]) -> UNet2DConditionModel:
    other = copy.deepcopy(network)
    other.load_state_dict(state)
    return other


def _gpu(device: torch.device) -> str:
    return f"one {torch.cuda.get_device_name(device)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sdui.demo.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder for packages, latents and what was learned")
    parser.add_argument("--from", type=Path, default=BUNDLED, dest="start", help="checkpoint to begin with")
    parser.add_argument("--fresh", action="store_true", help="begin with networks that know nothing")
    parser.add_argument("--objects", type=int, default=FEW, help="how many of the concepts are learned")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    for field in fields(Plan):
        parser.add_argument(f"--{field.name}", type=int, default=field.default, help=_HELP[field.name])
    options = vars(parser.parse_args())
    if not 2 <= options["objects"] <= len(CONCEPTS):
        parser.error(f"--objects: {options['objects']} is not from 2 to {len(CONCEPTS)}")
    data: Path = options["data"]
    data.mkdir(parents=True, exist_ok=True)
    plan = Plan(**{field.name: options[field.name] for field in fields(Plan)})
    try:
        start = Start(fresh_networks(), ()) if options["fresh"] else start_from(options["start"])
        course = Course(data, start, plan, options["objects"], torch.device(options["device"]))
        course.run()
    except (SduiError, OSError) as error:
        parser.error(str(error))
    print(course.result)  # noqa: T201


if __name__ == "__main__":
    main()
