"""Strict YAML. Worked by hand: each trap of YAML 1.1 and each attack has its own case; invariants by hypothesis."""

import contextlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from igfstrat.config import ConfigText, StrictModel, Word, config_path, make_config, parse_yaml, read_yaml
from igfstrat.errors import ConfigError, IgfstratError, UnsafeFileError


class Inner(StrictModel):
    n_simulations: int = Field(default=1, ge=1)
    rate: float = 0.5
    to: str | None = Field(default=None, alias="from")


class Outer(StrictModel):
    seed: int = 0
    words: tuple[Word, ...] = ()
    inner: Inner = Inner()
    by_name: dict[str, Inner] = Field(default_factory=dict)
    listed: tuple[Inner, ...] = ()


def value_of(text):
    return parse_yaml(f"key: {text}", source="x.yaml").data["key"]


def make(text):
    return make_config(Outer, parse_yaml(text, source="x.yaml"))


@pytest.mark.parametrize("text", ["NO", "no", "yes", "on", "off", "Y", "True", "FALSE", "Null", "0123", "0o17", "0x1F", "12:30:45", "2024-01-05",
                                  "1_000", "+1", ".5", "5.", ".inf", ".nan", "1e", "<<", "=", "١"])  # fmt: skip
def test_what_yaml_1_1_would_turn_into_something_else_stays_text(text):
    assert value_of(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("null", None), ("~", None), ("", None), ("0", 0), ("-12", -12), ("1.5", 1.5), ("1e3", 1000.0),
     ("-2.5E-1", -0.25), ('"1"', "1"), ("'true'", "true"), ("[a, 1]", ("a", 1)), ("9" * 31, "9" * 31)],
)  # fmt: skip
def test_the_scalars_of_yaml_1_2_are_read(text, value):
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


def test_a_text_where_a_number_belongs_is_refused_with_its_line():
    with pytest.raises(ConfigError, match=r'line 2  seed  found "0123"; must be a valid integer'):
        make("words: [a]\nseed: 0123\n")


@pytest.mark.parametrize("text", ["1.10", "1e3"])
def test_a_number_that_would_lose_its_spelling_as_a_word_is_refused(text):
    with pytest.raises(
        ConfigError, match=r"line 1  words\.0  found .*; a number with a fraction .* put it in quotes"
    ):
        make(f"words: [{text}]")
    assert make(f'words: ["{text}"]').words == (text,)


def test_whole_numbers_and_booleans_are_words_as_written():
    assert make("words: [0, 1, true, NO, -7]").words == ("0", "1", "true", "NO", "-7")


def test_equal_keys_are_refused_with_the_line_of_the_second():
    with pytest.raises(ConfigError, match=r"line 3  inner\.rate  the key stands twice") as caught:
        parse_yaml("inner:\n  rate: 1\n  rate: 2\nseed: 1\nseed: 2\n", source="x.yaml")
    assert "2 problems in x.yaml" in str(caught.value)
    assert "line 5  seed" in str(caught.value)


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch marker']",
        "!!python/name:os.system",
        "!!str x",
        "!mine x",
        "!!binary aGk=",
    ],
)
def test_a_tag_is_unsafe_and_runs_nothing(tmp_path, monkeypatch, tag):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafeFileError, match=r"line 1: tag .* is unsafe in a config"):
        parse_yaml(f"key: {tag}", source="x.yaml")
    assert list(tmp_path.iterdir()) == []


BOMB = "a: &a [1,2,3,4,5,6,7,8,9]\n" + "".join(
    f"{n}: &{n} [*{p},*{p},*{p}]\n" for p, n in zip("abcde", "bcdef", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [(BOMB + "".join(f"k{i}: *a\n" for i in range(20)), "too many aliases"),
     ("a: &a [" + "0," * 18_000 + "0]\nb: &b [*a,*a]\nc: [*b,*b]\n", "grow without end"), ("a: &a [*a]", "grow without end"),
     ("a: [" + "0," * 60_000 + "0]", "too many entries"), ("a: &a {b: *a}", "grow without end"), ("a: " + "[" * 100_000, "nested too deeply"), ("{a: " * 60, "nested too deeply")],
    ids=["many aliases", "a wide bomb", "a list in itself", "a long list", "a mapping in itself", "a hundred thousand lists", "mappings"],
)  # fmt: skip
def test_what_would_grow_without_end_is_refused(text, words):
    with pytest.raises(ConfigError, match=words):
        parse_yaml(text, source="x.yaml")


def test_a_few_aliases_are_fine():
    assert parse_yaml("a: &a [1]\nb: *a", source="x.yaml").data == {"a": (1,), "b": (1,)}


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty, or not a mapping"), ("[1]", "not a mapping"), ("just words", "not a mapping"), ("a: b: c", "line 1: not valid YAML"),
     ("a: [1", "not valid YAML"), ("\tx: 1", "not valid YAML"), ("a: 1\n---\nb: 2", "another document"), ("a: *x", "undefined alias"),
     ("? [a, b]\n: 1", "a key must be one plain word"), ('a: "\\UFFFFFFFF"', "not valid YAML"), ("a: \x07", "not valid YAML")],
)  # fmt: skip
def test_what_is_no_plain_mapping_is_refused(text, words):
    with pytest.raises(ConfigError, match=words):
        parse_yaml(text, source="x.yaml")


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [("sed: 1", "line 1  sed", "did you mean 'seed'?"), ("inner: {n_simulation: 1}", "line 1  inner.n_simulation", "did you mean 'n_simulations'?"),
     ("by_name:\n  a: {rte: 1}", "line 2  by_name.a.rte", "did you mean 'rate'?"), ("listed:\n- rate: 1\n- fro: x", "line 3  listed.1.fro", "did you mean 'from'?"),
     ("zzzzz: 1", "line 1  zzzzz", "known here: seed, words, inner, by_name, listed")],
)  # fmt: skip
def test_an_unknown_key_is_told_by_line_and_did_you_mean(text, where, hint):
    with pytest.raises(ConfigError) as caught:
        make(text)
    assert f"{where}  unknown key; {hint}" in str(caught.value)


def test_all_faults_come_at_once_and_without_the_words_of_the_library():
    with pytest.raises(ConfigError) as caught:
        make("seed: x\nwords: 7\ninner: {n_simulations: 0, rate: a}\nnonsense: 1\n")
    message = str(caught.value)
    assert message.startswith("5 problems in x.yaml")
    assert "line 2  words  found 7; must be a list" in message
    assert "must be greater than or equal to 1" in message
    assert "tuple" not in message
    assert "function-before" not in message


def test_a_config_is_utf_8(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes("words: [Müller]".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"x\.yaml: not UTF-8 at byte 9"):
        read_yaml(path)
    path.write_bytes("\ufeffwords: [Müller]".encode())
    assert read_yaml(path).data == {"words": ("Müller",)}


def test_a_config_is_a_regular_file_of_a_sensible_size(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "big.yaml").write_text("#" * 1_000_001)
    for name, words in (
        ("pipe.yaml", "not a regular file"),
        ("absent.yaml", "not there"),
        (".", "not a regular file"),
        ("big.yaml", "too large"),
    ):
        with pytest.raises(ConfigError, match=words):
            read_yaml(tmp_path / name)


def test_a_bare_name_is_a_packaged_file_and_a_wrong_one_is_corrected():
    assert config_path("breast", "plans").name == "breast.yaml"
    with pytest.raises(ConfigError, match=r"no packaged plan is named 'brest'; did you mean 'breast'\?"):
        config_path("brest", "plans")
    for name in ("x" * 400, "x" * 400 + ".yaml", "a/b.yaml", "../x", "a\0b"):
        with pytest.raises(ConfigError):
            config_path(name, "plans")


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_no_text_crashes_the_parser(text):
    with contextlib.suppress(IgfstratError):
        found = parse_yaml(text, source="x.yaml")
        assert isinstance(found, ConfigText)


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="abc:-[]{}&*!?|>'\"%@ \n\t,#01.\\", max_size=40))
def test_no_marks_of_yaml_crash_the_model(text):
    with contextlib.suppress(IgfstratError):
        make(text)
