"""What differs between two pictures, in words."""

from __future__ import annotations

from sdui.ui.comparing import Difference, Side, dialog, differences, marked

FIRST = "a red apple\nNegative prompt: blur\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64"
SECOND = "a green apple\nSteps: 20, Sampler: Euler, CFG scale: 5, Seed: 1, Size: 64x64, Clip skip: 2"


def test_only_what_differs_is_listed_and_prompts_come_first():
    assert differences(FIRST, SECOND) == [
        Difference("Prompt", "a red apple", "a green apple"),
        Difference("Negative prompt", "blur", ""),
        Difference("CFG scale", "7", "5"),
        Difference("Clip skip", "", "2"),
    ]
    assert differences(FIRST, FIRST) == []


def test_words_are_marked_not_letters_and_what_is_equal_stays():
    assert marked("a red apple, (red:1.2)", "a green apple, (red:1.3)") == (
        "a <del>red</del> apple, (red:<del>1.2</del>)",
        "a <ins>green</ins> apple, (red:<ins>1.3</ins>)",
    )
    assert marked("", "new") == ("", "<ins>new</ins>")
    assert marked("one\ntwo", "one\ntwo") == ("one<br>two", "one<br>two")


def test_nothing_of_a_prompt_or_a_path_becomes_markup():
    made = dialog(Side('/a "b"#1.png', "<script>\nSteps: 1"), Side("/c.png", "<b>\nSteps: 1"))
    assert "<script>" not in made and "<b></td>" not in made and "&lt;<del>script</del>&gt;" in made
    assert 'src="gradio_api/file=/a%20%22b%22%231.png"' in made


def test_the_same_two_again_are_another_text_because_the_page_shows_no_text_twice():
    sides = Side("/a.png", FIRST), Side("/b.png", FIRST)
    assert dialog(*sides) != dialog(*sides)
    assert "the same parameters" in dialog(*sides)
