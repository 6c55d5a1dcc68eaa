"""What the tabs of cards hold before the page fills them."""

import asyncio

import gradio as gr

from sdui.ui import networks


def test_the_tabs_have_the_ids_of_a1111():
    async def build():
        with gr.Blocks() as page:
            networks.build("img2img")
        return page

    blocks = list(asyncio.run(build()).blocks.values())
    tabs = {block.label: block.elem_id for block in blocks if isinstance(block, gr.Tab)}
    assert tabs == {
        "Textual Inversion": "img2img_textual_inversion",
        "Hypernetworks": "img2img_hypernetworks",
        "Checkpoints": "img2img_checkpoints",
        "Lora": "img2img_lora",
    }
    html = "".join(block.value for block in blocks if isinstance(block, gr.HTML))
    for elem_id in ("lora_cards", "lora_extra_search", "lora_extra_sort", "checkpoints_extra_refresh", "lora_dirs"):
        assert html.count(f'id="img2img_{elem_id}"') == 1
