"""How short scripts that stand in Python reach the page's own modules, the files in assets/."""

from __future__ import annotations


def imported(name: str) -> str:
    """JavaScript for a promise of the module. Gradio runs such scripts from a file of its own, whose folder would count
    for a relative address; the document's is the root of the page, with --subpath too."""
    return f"import(new URL('ui/{name}.js', document.baseURI))"
