"""The packaged maps on the public data that they were written for. Golden: counts of the sources' own papers and files."""

import numpy as np
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import IgfstratError

pytestmark = pytest.mark.realdata


def counts(cohort, name):
    endpoint = cohort.endpoints[name]
    return int(endpoint.usable.sum()), int(endpoint.event.sum()), int((endpoint.time == 0).sum())


def test_tcga_breast_has_873_patients_and_114_events_of_progression(data_folder):
    cohort = read_cohort(data_folder / "tcga_trgated_rppa/BRCA.csv", map="tcga_brca_rppa")
    assert cohort.n_rows == 873
    assert counts(cohort, "pfi") == (873, 114, 11)
    pfi = cohort.endpoints["pfi"]
    assert not pfi.event[pfi.time == 0].any()
    assert sum(p.code == "zero_time" and p.column == "pfi_days" for p in cohort.problems) == 11
    assert np.isfinite(cohort.table["igf1r_phospho"]).sum() == 873
    assert cohort.unusable == {}


def test_metabric_is_read_as_cbioportal_ships_it(data_folder):
    cohort = read_cohort(data_folder / "metabric_cbioportal/data_clinical_patient.txt", map="metabric")
    assert cohort.n_rows == 2509
    assert counts(cohort, "os")[0] == 1981
    assert counts(cohort, "rfs")[0] == 2380
    assert "competing event" in cohort.endpoints["rfs"].note
    assert (cohort.sheet.header_row, cohort.row_numbers[0]) == (2, 3)


def test_gse4335_has_38_events_in_115_patients(data_folder):
    cohort = read_cohort(data_folder / "survset_breast_igf/gse4335_igf_axis.csv", map="gse4335")
    assert (cohort.n_rows, counts(cohort, "tte")) == (115, (115, 38, 0))
    assert "13 of the 115" in cohort.notes[0]


def test_juul_is_a_radioimmunoassay_of_621_males_and_713_females(data_folder):
    cohort = read_cohort(data_folder / "juul/juul.txt", map="juul")
    assert cohort.table["sex"].value_counts().to_dict() == {"female": 713, "male": 621}
    assert cohort.table["igf1_ng_ml"].notna().sum() == 1018
    assert set(cohort.table["igf1_assay"]) == {"ria"}


def test_cdisc_cnsr_is_inverted_and_one_parameter_is_kept(data_folder):
    cohort = read_cohort(data_folder / "cdisc_pilot/pharmaverseadam_adtte_onco.csv", map="cdisc_adtte_os")
    assert (cohort.n_rows, cohort.n_filtered) == (254, 258)
    assert counts(cohort, "os")[:2] == (254, 3)
    censored = cohort.sheet.cells[cohort.sheet.headers.index("CNSR")]
    assert (cohort.endpoints["os"].event == (censored == "0").to_numpy()).all()


def test_another_edition_of_metabric_is_read_and_its_other_event_words_are_asked_about(data_folder):
    path = data_folder / "metabric_cbioportal/data_clinical_patient_CR_line_ends_noRFS.txt"
    cohort = read_cohort(path, map="metabric")
    assert (cohort.n_rows, cohort.sheet.header_row) == (2509, 5)
    assert cohort.endpoints == {}
    assert cohort.unusable["os"][0].value == "DECEASED 1143, LIVING 837"
    assert "RFS_STATUS" in cohort.unusable["rfs"][0].remedy


def test_other_public_tables_are_read_or_refused_with_a_reason_and_never_crash(data_folder):
    suffixes = {".csv", ".xlsx", ".txt", ".xpt", ".rda", ".md"}
    n_read, refusals = 0, []
    for path in sorted(p for p in data_folder.rglob("*") if p.suffix in suffixes):
        try:
            n_read += read_cohort(path).n_rows > 0
        except IgfstratError as error:
            refusals.append(str(error))
    # neither way out may swallow the other
    assert n_read
    assert refusals
    assert all("problem" in reason for reason in refusals)
