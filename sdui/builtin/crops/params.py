"""Thresholds, weights and bounds; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sdui.core.groups import Group, Place
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class SplitOversized(Group):
    name: ClassVar[str] = "split_oversized"
    title: ClassVar[str] = "Split oversized images"
    place: ClassVar[Place] = "operation"
    order: ClassVar[int] = 4000

    threshold: Annotated[
        float, Field(ge=0, le=1), Param("Threshold", step=0.05, elem_id="postprocess_split_threshold")
    ] = 0.5
    overlap: Annotated[
        float, Field(ge=0, le=0.9), Param("Overlap ratio", step=0.05, elem_id="postprocess_overlap_ratio")
    ] = 0.2


class FocalCrop(Group):
    name: ClassVar[str] = "focal_crop"
    title: ClassVar[str] = "Auto focal point crop"
    place: ClassVar[Place] = "operation"
    order: ClassVar[int] = 4010

    face_weight: Annotated[
        float,
        Field(ge=0, le=1),
        Param("Focal point face weight", step=0.05, elem_id="postprocess_focal_crop_face_weight"),
    ] = 0.9
    entropy_weight: Annotated[
        float,
        Field(ge=0, le=1),
        Param("Focal point entropy weight", step=0.05, elem_id="postprocess_focal_crop_entropy_weight"),
    ] = 0.15
    edges_weight: Annotated[
        float,
        Field(ge=0, le=1),
        Param("Focal point edges weight", step=0.05, elem_id="postprocess_focal_crop_edges_weight"),
    ] = 0.5
    debug: Annotated[bool, Param("Create debug image", elem_id="train_process_focal_crop_debug")] = False


class AutoSizedCrop(Group):
    name: ClassVar[str] = "auto_sized_crop"
    title: ClassVar[str] = "Auto-sized crop"
    place: ClassVar[Place] = "operation"
    order: ClassVar[int] = 4020

    shortest: Annotated[
        int,
        Field(ge=64, le=2048),
        Param("Dimension lower bound", step=8, elem_id="postprocess_multicrop_mindim"),
    ] = 384
    longest: Annotated[
        int,
        Field(ge=64, le=2048),
        Param("Dimension upper bound", step=8, elem_id="postprocess_multicrop_maxdim"),
    ] = 768
    least_area: Annotated[
        int,
        Field(ge=64 * 64, le=2048 * 2048),
        Param("Area lower bound", elem_id="postprocess_multicrop_minarea"),
    ] = 64 * 64
    most_area: Annotated[
        int,
        Field(ge=64 * 64, le=2048 * 2048),
        Param("Area upper bound", elem_id="postprocess_multicrop_maxarea"),
    ] = 640 * 640
    objective: Annotated[
        str,
        Param(
            "Resizing objective",
            widget="radio",
            choices=("Maximize area", "Minimize error"),
            elem_id="postprocess_multicrop_objective",
        ),
    ] = "Maximize area"
    error: Annotated[
        float,
        Field(ge=0, le=1),
        Param("Error threshold", step=0.01, elem_id="postprocess_multicrop_threshold"),
    ] = 0.1


@hook
def parameters() -> Sequence[type[Group]]:
    return [SplitOversized, FocalCrop, AutoSizedCrop]
