"""A REDCap export speaks its dictionary's words. Worked by hand, in the format of REDCap's own exports."""

import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError, ConfigError

HEAD = '"Variable / Field Name","Form Name","Field Type","Field Label","Choices, Calculations, OR Slider Labels","Text Validation Type OR Show Slider Number",Identifier?\n'
DICTIONARY = HEAD + "\n".join(
    ["record_id,f,text,Id,,,", 'gender,f,radio,Sex,"0, Female | 1, Male | 9, ",,', "bmi_c,f,text,BMI,,number_comma_decimal,",
     "code_x,f,text,Code,,,y", "dead,f,yesno,Dead,,,", 'fu,f,text,"Follow-up",,number,']
)  # fmt: skip
EXPORT = 'record_id,gender,bmi_c,code_x,dead,fu\n1,0,"27,5",aa,1,12.5\n2,1,"31,0",bb,0,20\n3,7,,cc,1,8\n'
MAP = """
dictionary: dictionary.csv
columns: {patient_id: record_id, sex: gender, bmi: bmi_c}
endpoints: {os: {time: fu, unit: months, event: {column: dead, event: [Yes], censored: [No]}}}
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in (("dictionary.csv", DICTIONARY), ("data.csv", EXPORT), ("map.yaml", MAP)):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_codes_become_words_commas_points_and_identifiers_are_known(folder):
    cohort = read_cohort(folder / "data.csv", map=folder / "map.yaml")
    assert cohort.table["sex"].tolist() == ["female", "male", None]
    assert cohort.table["bmi"].tolist()[:2] == [27.5, 31.0]
    assert cohort.endpoints["os"].event.tolist() == [True, False, True]
    codes = [(p.code, p.column, p.row) for p in cohort.problems]
    assert codes == [
        ("dictionary", None, None),
        ("direct_identifier", "code_x", None),
        ("invalid_code", "sex", 4),
    ]
    assert "3 columns were read by the data dictionary (gender, bmi_c, dead)" in cohort.problems[0].remedy
    assert [path.name for path in cohort.files] == ["data.csv", "dictionary.csv", "map.yaml"]


@pytest.mark.parametrize(
    ("text", "word"), [("a,b\n1,2\n", "not a REDCap data dictionary"), (None, "not there")]
)
def test_what_is_no_dictionary_is_refused(folder, text, word):
    path = folder / "dictionary.csv"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(CohortError, match=word):
        read_cohort(folder / "data.csv", map=folder / "map.yaml")


def test_a_dictionary_elsewhere_is_refused(folder):
    (folder / "map.yaml").write_text("dictionary: ../dictionary.csv\n")
    with pytest.raises(ConfigError, match="beside the cohort"):
        read_cohort(folder / "data.csv", map=folder / "map.yaml")
