"""Beside width and height: switch them, keep them in a ratio; "768x512" pasted into one fills both (sizes.js)."""

from __future__ import annotations

import gradio as gr

from sdui.core.groups import Kind
from sdui.core.request import GenerationRequest

from .checkpoints import tool
from .form import Form
from .modules import imported

SIDES = ("width", "height")

_FREE, _KEPT = "Free", "As it is"
_RATIOS = (_FREE, _KEPT, "1:1", "5:4", "4:3", "3:2", "16:9", "21:9", "4:5", "3:4", "2:3", "9:16")
_STEP = 8
_SCRIPT = imported("sizes")


def tools(form: Form[GenerationRequest], tab: Kind) -> gr.Column:
    """The column between the size and the batch; `form` has both sides."""
    sides = [form.components[side] for side in SIDES]
    with gr.Column(
        elem_id=f"{tab}_dimensions_row", elem_classes=["tools", "dimensions"], scale=0, min_width=96
    ) as column:
        switch = tool("Switch width and height", f"{tab}_res_switch_btn")
        ratio = gr.Dropdown(
            list(_RATIOS), value=_FREE, label="Aspect ratio", elem_id=f"{tab}_aspect", filterable=False, min_width=96
        )
    held = gr.Textbox("", visible="hidden", elem_id=f"{tab}_aspect_held")
    switch.click(
        fn=None,
        js="(width, height, held) => [height, width, held.split(':').reverse().join(':')]",
        inputs=[*sides, held],
        outputs=[*sides, held],
    )
    chosen = f"async (name, width, height) => (await {_SCRIPT}).chosen(name, width, height)"
    ratio.input(fn=None, js=chosen, inputs=[ratio, *sides], outputs=[held, *sides])
    for place, side in enumerate(sides):
        other = sides[1 - place]
        follow = f"async (held, side, other) => (await {_SCRIPT}).following(held, side, other, {place})"
        side.input(fn=None, js=follow, inputs=[held, side, other], outputs=[other])
    return column
