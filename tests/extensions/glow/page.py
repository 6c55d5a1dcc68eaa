"""A tab that lists what the server knows of glow."""

import gradio as gr

from sdui.extensions.contracts import Tab
from sdui.extensions.hooks import hook


def build(services):
    gr.Markdown(f"Glow is {'here' if 'glow' in str(services.requests.model_fields['extensions']) else 'away'}.")
    button = gr.Button("Dim", elem_id="glow_dim")
    said = gr.Textbox(elem_id="glow_said", label="Said")
    button.click(lambda: "dimmed", outputs=[said], queue=False, api_visibility="private")


@hook
def tabs():
    return [Tab("glow", "Glow", build)]
