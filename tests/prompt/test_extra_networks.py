"""Network tags read as in A1111."""

from __future__ import annotations

from sdui.prompt.extra_networks import ExtraNetwork, parse_extra_networks


def test_every_golden_is_equal(goldens):
    cases = goldens("extra_networks_parse")
    assert len(cases) == 20
    for case in cases:
        text, networks = parse_extra_networks(case["prompt"])
        found: dict[str, list] = {}
        for network in networks:
            found.setdefault(network.kind, []).append(
                {"items": list(network.arguments), "positional": list(network.positional), "named": network.named}
            )
        assert (text, found) == (case["text"], case["networks"]), case["prompt"]


def test_an_empty_tag_stays_and_hides_none_after_it():
    assert parse_extra_networks("<lora:><lora:b>") == ("<lora:>", [ExtraNetwork("lora", ("b",))])


def test_a_value_keeps_further_equal_signs():
    (_, [network]) = parse_extra_networks("<lora:a:lbw=x=1>")
    assert network.named == {"lbw": "x=1"}
