"""The page, by Gradio: a picture in; its map, cut-out, overlay and edges side by side."""

# No deferred annotations here: Gradio reads those of the functions below, at run time.

from pathlib import Path
from typing import Any

from salient.detection.cutout import Cutout
from salient.serving.studio import PAGES, Studio
from salient.serving.views import HEADING, PROGRAMS, View, first_view, next_view, view_nothing

UNREAD = (10, 60)  # seconds: how often is looked, and how old an upload may be that nobody read
COLOUR = "colour"  # the background that is picked
PICKER = "chosen => ({__type__: 'update', visible: chosen === 'colour'})"
ADDRESS = """for (const place of element.querySelectorAll(".origin"))
    place.textContent = location.origin;"""
PASTE = """() => document.addEventListener("paste", event => {
    const field = document.querySelector("#given input[type=file]");
    if (!field || !event.clipboardData.files.length) return;
    field.files = event.clipboardData.files;
    field.dispatchEvent(new Event("change", {bubbles: true}));
})"""
STATES = ("", "_hover", "_selected", "_dark", "_hover_dark", "_selected_dark")


def look() -> dict[str, Any]:
    """The page's look, and what Gradio leaves out of it, as `mount_gradio_app` takes them."""
    import gradio as gr

    theme = gr.themes.Base(
        primary_hue="neutral",
        neutral_hue="neutral",
        font=["system-ui", "sans-serif"],  # of the system: none is loaded
        font_mono=["ui-monospace", "monospace"],
    ).set(
        **{f"checkbox_label_background_fill{state}": "transparent" for state in STATES},
        checkbox_label_padding="2px 0",
        checkbox_label_gap="16px",
        slider_color="*neutral_700",
        body_text_color_subdued="*neutral_600",
    )
    style = {"theme": theme, "css_paths": Path(__file__).with_name("page.css"), "js": PASTE}
    return style | {"footer_links": [], "run_history": False, "ssr_mode": False}


def build_page(studio: Studio) -> Any:
    """The page as Gradio's `Blocks`.

    Raises:
        ModuleNotFoundError: Gradio is not installed.
    """
    import gradio as gr

    options: dict[str, Any] = {"analytics_enabled": False, "delete_cache": UNREAD}
    with gr.Blocks(title="Salient object detection", **options) as page:
        gr.HTML(HEADING, elem_id="heading")
        with gr.Column(elem_id="desk"):
            with gr.Column(elem_id="given"):
                image = gr.Image(
                    label="Picture",
                    show_label=False,
                    height=260,
                    placeholder="Drop a picture, paste it,\nor click to choose one",
                    buttons=[],
                    type="filepath",
                )
                status = gr.HTML(elem_id="status")
            results = gr.HTML(view_nothing().results, elem_id="results")
            with gr.Column(elem_id="settings"):
                settings = _settings(list(studio.checkpoints))
            gr.HTML(PROGRAMS, elem_id="programs", js_on_load=ADDRESS)
        _connect(studio, page, image, settings, [status, results])
    page.state_session_capacity = PAGES
    return page.queue(max_size=None)  # the studio's own queue counts, for programs too


def _settings(weights: list[str]) -> dict[str, Any]:
    """The controls, by the names of what they set; `colour` is that of the background."""
    import gradio as gr

    start, backgrounds = Cutout(), ["transparent", "blur", COLOUR]
    settings = {
        "weights": gr.Radio(weights, value=weights[0], label="Weights"),
        "background": gr.Radio(backgrounds, value=backgrounds[0], label="Background"),
        "colour": gr.ColorPicker("#ffffff", label="Colour", visible=False),
        "threshold": gr.Slider(0.01, 0.99, start.threshold, step=0.01, label="Threshold"),
        "feather": gr.Slider(0, 1, start.feather, step=0.01, label="Feather"),
        "min_area": gr.Slider(0, 0.2, start.min_area, step=0.002, label="Smallest part kept"),
        "crop": gr.Checkbox(start.crop, label="Crop to the object"),
    }
    settings["background"].change(None, settings["background"], settings["colour"], js=PICKER)
    return settings


def _connect(studio: Studio, page: Any, image: Any, settings: dict[str, Any], out: Any) -> None:
    """Say what happens when. No value is a file to Gradio on its way back: it keeps none."""
    import gradio as gr

    def chosen(data: dict[Any, Any]) -> dict[str, Any]:
        values = {name: data[control] for name, control in settings.items()}
        colour = values.pop("colour")
        return values | ({"background": colour} if values["background"] == COLOUR else {})

    def see(data: dict[Any, Any], request: gr.Request) -> list[Any]:
        view = first_view(studio, request.session_hash, data[image], chosen(data))
        shown = view.picture and {"path": "picture", "url": view.picture}
        return [shown, view.status, view.results]

    def look_again(data: dict[Any, Any], request: gr.Request) -> list[Any]:
        view: View = next_view(studio, request.session_hash, chosen(data))
        return [view.status, view.results]

    def leave(request: gr.Request) -> None:
        studio.forget(request.session_hash)

    given = set(settings.values())
    raw: dict[str, Any] = {"preprocess": False, "postprocess": False, "show_progress": "hidden"}
    raw |= {"concurrency_limit": None}
    gr.on([image.input, image.clear], see, given | {image}, [image, *out], **raw)
    changes = [control.change for control in given]
    gr.on(changes, look_again, given, out, **raw, trigger_mode="always_last")
    page.unload(leave)
