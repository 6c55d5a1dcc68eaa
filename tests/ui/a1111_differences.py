"""Which of A1111's controls this page has not, or has differently, and why."""

_TRAIN = "the Train tab comes with the training issue"
_CARD = "in the card's dialog, which is made by network_dialogs.js (tests/browser/test_networks.py)"
_INSIDE = "a bridge between A1111's own scripts and its server, nothing that people see"
_MENU = "A1111's list of pages is a row of tabs; here it is a list with a search, of columns with the same ids"
_NATIVE = "the size that the chosen checkpoint draws best at, 128 here"
_COUNTER = "read out by screen readers"
_FIELD = "holds a field and its editor: Gradio's own editor would encode the picture anew"

LEFT_OUT: dict[str, str] = (
    {
        "Create embedding": _TRAIN,
        "Create hypernetwork": _TRAIN,
        "Train": _TRAIN,
        "Gradient Clipping": _TRAIN,
        "Enter hypernetwork Dropout structure (or empty). Recommended : 0~0.35": _TRAIN,
        "tab_train": _TRAIN,
        "img2img_unused_scale_by_slider": _INSIDE,
        "img2img_update_resize_to": _INSIDE,
        "audio_notification": "notify.js plays the sound",
        "elem_id": "a placeholder of the table",
        "change_checkpoint": _INSIDE,
        "checpoint_edit_user_metadata_preferred_vae": _CARD,
        "Notes": _CARD,
        "Description": _CARD,
        "self.id_part": _CARD,
        "edit_user_metadata_name": _INSIDE,
        "edit_user_metadata_button": _INSIDE,
        "Check system info for validity": "A1111 signs its system information; here it is plain JSON",
        "sysinfo_validity": "as above",
        "settings_reload_script_bodies": "extensions are loaded at the start",
        "calculate_all_checkpoint_hash_threads": "a disk reads one file after the other fastest",
        "Upscale by": "A1111's upscaling inside of txt2img; hires fix and Extras do it here",
        "extras_scale_by_tab": "one choice, extras_resize_mode, shows the fields of either way",
        "extras_scale_to_tab": "as above",
        "upscaling_column_size": "as above",
        "upscaling_dimensions_row": "as above",
        "upscaling_res_switch_btn": "two numbers are as quickly typed",
        "axis_options": "a container; the fields are there",
        "swap_axes": "a container; the buttons are there",
    }
    | {
        f"{tab}_{name}": reason
        for tab in ("txt2img", "img2img")
        for name, reason in {
            "generation_info_button": _INSIDE,
            "save_preview": _INSIDE,
            "preview_filename": _INSIDE,
            "restore_progress": "the page finds its job again by itself",
            "token_button": _INSIDE,
            "negative_token_button": _INSIDE,
            **{
                f"{page}_prompts": "the prompts stay above the cards" for page in ("textual_inversion", "hypernetworks")
            },
            **{f"{page}_prompts": "the prompts stay above the cards" for page in ("checkpoints", "lora")},
            **{f"{page}_extra_refresh_internal": _INSIDE for page in ("textual_inversion", "hypernetworks")},
            **{f"{page}_extra_refresh_internal": _INSIDE for page in ("checkpoints", "lora")},
        }.items()
    }
    | {f"{name}_{tab}": _INSIDE for tab in ("txt2img", "img2img") for name in ("generation_info", "html_info_x")}
    | {f"script_{tab}_custom_code_indent_level": "the code is run as it is written" for tab in ("txt2img", "img2img")}
)
"""By element id, or by label where A1111 has no id."""

DIFFERENT: dict[str, dict[str, str]] = (
    {
        "txt2img_width": {"value": _NATIVE},
        "txt2img_height": {"value": _NATIVE},
        "img2img_width": {"value": _NATIVE},
        "img2img_height": {"value": _NATIVE},
        "img2img_sketch": {"kind": _FIELD},
        "img2maskimg": {"kind": _FIELD},
        "inpaint_sketch": {"kind": _FIELD},
        "img2img_scale": {"step": "0.01, as A1111 1.10 has it"},
        "settings_saving_images_grids": {"kind": _MENU},
        "settings_paths_for_saving": {"kind": _MENU},
        "settings_stable_diffusion": {"kind": _MENU},
        "settings_sampler_parameters": {"kind": _MENU},
        "settings_infotext": {"kind": _MENU},
        "settings_tab_defaults": {"kind": _MENU},
        "settings_tab_sysinfo": {"kind": _MENU},
        "settings_tab_actions": {"kind": _MENU},
        "settings_tab_licenses": {"kind": _MENU},
        "settings_json": {"kind": _INSIDE},
        "script_sd_upscale_upscaler_index": {"kind": "a list that can be long"},
    }
    | {
        f"{tab}_{name}": {"value": _COUNTER}
        for tab in ("txt2img", "img2img")
        for name in ("token_counter", "negative_token_counter")
    }
    | {
        f"script_{tab}_{name}": difference
        for tab in ("txt2img", "img2img")
        for name, difference in {
            "custom_code_code": {"kind": "a plain box: Gradio's code editor weighs half a megabyte"},
            "prompts_from_file_or_textbox_prompt_txt": {"lines": "room for three lines at once"},
            "prompts_from_file_or_textbox_file": {"kind": "a button in place of a large field"},
        }.items()
    }
)
"""By element id: what differs, and the reason."""
