"""Names that stand for vectors are found as A1111 finds them, and quickly among many."""

import time

from hypothesis import given
from hypothesis import strategies as st

from sdui.prompt.attention import BREAK, Piece, parse_attention
from sdui.prompt.chunks import chunk_prompt
from sdui.prompt.names import Named, NameIndex
from sdui.prompt.tokenizer import COMMA, END


def lookup_of(names, encode):
    """names: their vectors, by name."""
    index = NameIndex((encode(name), name) for name in names)

    def lookup(tokens, position):
        for length, name in index.at(tokens, position):
            return Named(length, names[name], name)
        return None

    return lookup


def keys(prompt):
    return [placement.key for chunk in prompt.chunks for placement in chunk.placements]


def chunked(text, names, encode, backtrack=20):
    return chunk_prompt(parse_attention(text), encode, backtrack=backtrack, lookup=lookup_of(names, encode))


def test_the_longest_name_wins_and_case_does_not_matter(tokenizer):
    names = {"style": 1, "My Style v2": 8, "my": 2}
    assert keys(chunked("a MY STYLE V2, my cat's style", names, tokenizer.encode)) == ["My Style v2", "my", "style"]


def test_a_name_is_only_found_as_the_same_tokens_in_one_piece_of_equal_weight(tokenizer):
    names = {"ti-pt": 2}
    assert keys(chunked("ti-ptx my-ti-pt (ti:1.2)-pt", names, tokenizer.encode)) == ["ti-pt"]


def test_the_first_of_equal_names_comes_first_and_more_come_after():
    index = NameIndex([([1, 2], "first"), ([1, 2], "second"), ([], "nothing")])
    more = index.plus([([1, 2], "third"), ([1], "short")])
    assert list(index.at([1, 2], 0)) == [(2, "first"), (2, "second")]
    assert list(more.at([0, 1, 2], 1)) == [(2, "first"), (2, "second"), (2, "third"), (1, "short")]
    assert list(more.at([1], 0)) == [(1, "short")]


def test_emphasis_counts_for_all_vectors(tokenizer):
    (chunk,) = chunked("a (ti-pt:1.5) b", {"ti-pt": 3}, tokenizer.encode).chunks
    assert [(place.position, place.key) for place in chunk.placements] == [(2, "ti-pt")]
    assert chunk.weights[:6] == [1.0, 1.0, 1.5, 1.5, 1.5, 1.0]


def test_vectors_that_do_not_fit_begin_the_next_chunk(tokenizer):
    prompt = chunked("word " * 73 + "ti-safe red", {"ti-safe": 3}, tokenizer.encode)
    first, second = prompt.chunks
    assert first.tokens.index(END) == 74
    assert second.placements[0].position == 1
    assert prompt.token_count == 75 + 4


def test_vectors_after_the_comma_of_a_full_chunk_stay_where_they_were(tokenizer):
    """A1111 moves the tokens to the next chunk and leaves the vectors in this one, over its padding."""
    first, second = chunked("word " * 70 + ", ti-safe red blue", {"ti-safe": 3}, tokenizer.encode).chunks
    assert first.tokens.index(END) == 72
    assert [place.position for place in first.placements] == [72]
    assert second.placements == []
    assert second.tokens[1:5] == [0, 0, 0, *tokenizer.encode("red")]


def words(text):
    return [COMMA if word == "," else int(word) for word in text.split()]


names_of_words = st.dictionaries(
    st.lists(st.integers(1, 4), min_size=1, max_size=4).map(lambda name: " ".join(map(str, name))),
    st.integers(1, 90),
    max_size=8,
)
texts = st.lists(
    st.one_of(
        st.just(BREAK),
        st.builds(
            Piece,
            st.lists(st.one_of(st.just(","), st.integers(1, 6).map(str)), max_size=90).map(" ".join),
            st.sampled_from([1.0, 1.1]),
        ),
    ),
    max_size=5,
)


@given(texts, names_of_words, st.integers(0, 74))
def test_chunks_have_77_tokens_and_vectors_stay_inside(pieces, names, backtrack):
    prompt = chunk_prompt(pieces, words, backtrack=backtrack, lookup=lookup_of(names, words))
    for chunk in prompt.chunks:
        assert len(chunk.tokens) == len(chunk.weights) == 77
        assert all(1 <= place.position <= 76 - min(names[place.key], 75) for place in chunk.placements)


@given(texts, st.dictionaries(st.sampled_from(["7", "8 1", "9 9"]), st.integers(1, 90)), st.integers(0, 74))
def test_names_that_do_not_occur_change_nothing(pieces, names, backtrack):
    plain = chunk_prompt(pieces, words, backtrack=backtrack)
    assert chunk_prompt(pieces, words, backtrack=backtrack, lookup=lookup_of(names, words)) == plain


def test_many_names_in_a_long_prompt_take_no_time():
    """Ten thousand names that begin alike and twenty thousand tokens took 0.1 s; compared one by one, minutes."""
    names = {f"1 {number // 100 + 2} {number % 100 + 2}": 2 for number in range(10_000)}
    lookup = lookup_of(names, words)
    started = time.monotonic()
    prompt = chunk_prompt([Piece("1 " * 20_000, 1.0)], words, lookup=lookup)
    assert len(prompt.chunks) == 267
    assert time.monotonic() - started < 2
