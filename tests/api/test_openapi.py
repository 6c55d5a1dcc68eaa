"""What A1111's published schema says is in ours as well: routes, parameters, fields, defaults and types.

a1111_openapi.json is that schema without its words; defaults are those of requests.
"""

import json
from pathlib import Path

import pytest

A1111 = json.loads((Path(__file__).parent / "a1111_openapi.json").read_text(encoding="utf-8"))
OTHER_DEFAULTS: dict[str, str] = {}
"""Field -> why it has another default."""
ROUTES = [(path, method) for path, methods in A1111["paths"].items() for method in methods]


class Schema:
    """A schema with the document that its references are looked up in."""

    def __init__(self, given, schemas):
        while "$ref" in given or len(given.get("allOf", ())) == 1:
            given = schemas[given["$ref"].rpartition("/")[2]] if "$ref" in given else given["allOf"][0]
        self.given, self._schemas = given, schemas

    def at(self, key):
        return Schema(self.given[key], self._schemas)

    @property
    def several(self):
        """The schemas of which one has to fit."""
        parts = self.given.get("anyOf") or self.given.get("oneOf")
        return [one for part in parts for one in Schema(part, self._schemas).several] if parts else [self]

    @property
    def types(self):
        """None: anything."""
        found = {one.given.get("type") for one in self.several}
        return None if None in found else found

    @property
    def properties(self):
        parts = [one.given.get("properties", {}) for one in self.several]
        return {name: Schema(one, self._schemas) for part in parts for name, one in part.items()}

    def inside(self, key):
        """What an array's items or an object's values are; None when nothing is said."""
        parts = [one.given[key] for one in self.several if isinstance(one.given.get(key), dict)]
        return Schema(parts[0], self._schemas) if parts and parts[0] else None


def lacking(theirs, ours, at, *, defaults):
    """A sentence for each thing that theirs has and ours does not. Requests are those with defaults."""
    wanted = theirs.given.get("type")
    # A request may take more, an answer may be more exact.
    as_good = {"integer": "number"} if defaults else {"number": "integer"}
    if wanted and ours.types is not None and not {wanted, as_good.get(wanted)} & ours.types:
        yield f"{at}: {wanted}, not {sorted(ours.types)}"
    there = ours.properties
    for name, field in theirs.properties.items():
        if name not in there:
            yield f"{at}.{name}: not there"
            continue
        default, own = field.given.get("default"), there[name].given.get("default")
        if defaults and default != own and name not in OTHER_DEFAULTS:
            yield f"{at}.{name}: {default!r}, not {own!r}"
        yield from lacking(field, there[name], f"{at}.{name}", defaults=defaults)
    for key in ("items", "additionalProperties"):
        if (part := theirs.inside(key)) and part.given:
            own = ours.inside(key)
            if own is None:
                yield f"{at}: of nothing that is said"
            else:
                yield from lacking(part, own, f"{at}[]", defaults=defaults)


def body_of(operation, schemas):
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return Schema(content["schema"], schemas) if content else None


def answer_of(operation, schemas):
    return Schema(operation["responses"]["200"]["content"]["application/json"]["schema"], schemas)


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_a_route_of_a1111_is_here_with_all_that_it_takes_and_answers(document, path, method):
    theirs, own = A1111["paths"][path][method], document["paths"][path][method]
    schemas = document["components"]["schemas"]
    queries = {one["name"]: one["schema"] for one in own.get("parameters", ())}
    problems = [
        f"?{one['name']}: {queries.get(one['name'])}"
        for one in theirs.get("parameters", ())
        if one["schema"].items() - queries.get(one["name"], {}).items()
    ]
    if (body := body_of(theirs, A1111["schemas"])) is not None:
        problems += lacking(body, body_of(own, schemas), "body", defaults=True)
    problems += lacking(answer_of(theirs, A1111["schemas"]), answer_of(own, schemas), "answer", defaults=False)
    assert problems == []


def test_declared_words_are_in_the_document(document):
    options = document["components"]["schemas"]["Options"]["properties"]
    assert options["samples_format"]["title"] == "File format for images"
    assert options["live_previews_image_width"]["maximum"] == 2048
