"""Columns that say who the patients are: by what the header says, or by what the cells look like.

Only the kind is ever told, never a value. The patterns are conventions: they find what is usual,
and can't prove that a file is anonymous.
"""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from igfstrat.schema import fold

# words of a header that name a person, in the languages of the files that were seen
_ALONE: Final = frozenset({
    "surname", "forename", "fullname", "firstname", "lastname", "initials", "email", "phone", "telephone",
    "mobile", "cellphone", "fax", "mrn", "ssn", "nhs", "passport", "dob", "birthdate", "birthday",
    "address", "street", "postcode", "postal", "zip", "zipcode", "nachname", "vorname", "geburtsdatum",
    "telefon", "adresse", "anschrift", "plz", "nom", "prenom", "naissance", "apellido", "apellidos",
    "nombre", "telefono", "direccion", "cognome", "indirizzo",
})  # fmt: skip
_PEOPLE: Final = frozenset({
    "full", "first", "last", "middle", "family", "given", "patient", "maiden", "contact", "kin", "next",
    "mother", "father", "spouse", "subject", "person",
})  # fmt: skip
_PHRASES: Final = re.compile(
    r"e_?mail|date_of_birth|birth_date|medical_record|record_number|hospital_(?:number|no|id)|insurance_(?:number|no)"
    r"|social_security|national_id|patient_number|house_number|phone_number"
)
_CONTENTS: Final = (
    ("e-mail addresses", re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[A-Za-z]{2,24}")),
    ("telephone numbers", re.compile(r"(?=(?:\D*\d){10,15}\D*$)(?:\+\d|\(\d|\d{2,5}[ ./-])[\d ()./-]{6,20}")),
    ("social security numbers", re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")),
    ("names", re.compile(r"[^\W\d_][\w'’-]{1,30}, ?[A-Z][\w'’-]{1,30}(?: [A-Z]\.?)?")),
    ("names", re.compile(r"(?:Mr|Mrs|Ms|Dr|Herr|Frau|Mme|Sra?)\.? [A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*")),
    ("street addresses", re.compile(r"[0-9]{1,5} [A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+)* (?:St|Street|Rd|Road|Ave|Avenue|Lane|Ln|Way|Ct|Pl|Drive|Dr|Blvd)\b.*")),
)  # fmt: skip
_LOOKED_AT: Final = 2_000
_LEAST: Final = 3
_SHARE: Final = 0.3
_LONGEST: Final = 200
# a list of words such as "Luminal, A" repeats itself, people hardly do
_DISTINCT: Final = 0.5


def why_identifying(header: str, cells: pd.Series) -> str | None:
    """Why a column looks like a direct identifier.

    Parameters
    ----------
    header : str
        Its header.
    cells : Series of str, one row a patient row
        Its text.

    Returns
    -------
    str or None
        ``by its name``, or ``by its content: e-mail addresses``; None where nothing points to one.

    Examples
    --------
    >>> why_identifying("next_of_kin_contact_name", pd.Series([""])), why_identifying("gene_name", pd.Series(["TP53"]))
    ('by its name', None)
    """
    if names_a_person(header):
        return "by its name"
    kind = looks_like_people(cells)
    return f"by its content: {kind}" if kind else None


def names_a_person(header: str) -> bool:
    """Whether a header names something that tells who a person is.

    Parameters
    ----------
    header : str
        As found.

    Returns
    -------
    bool
        True for ``surname``, ``Last name``, ``ec_phone``, ``MRN``; False for ``site_name``.
    """
    folded = fold(header)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", header)  # LastName
    words = [re.sub(r"[0-9]+$", "", word) for word in re.split(r"[^\w]+|_", fold(spaced)) if word]
    is_name = "name" in words and (words == ["name"] or not _PEOPLE.isdisjoint(words))
    return is_name or not _ALONE.isdisjoint(words) or _PHRASES.search(folded) is not None


def looks_like_people(cells: pd.Series) -> str | None:
    """What of persons the cells of a column hold.

    Parameters
    ----------
    cells : Series of str, one row a patient row
        Text.

    Returns
    -------
    str or None
        The kind, where at least three cells and three in ten fit it and most of those differ.
    """
    filled = [text for cell in cells.iloc[:_LOOKED_AT] if (text := cell.strip()) and len(text) <= _LONGEST]
    for kind, pattern in _CONTENTS:
        hits = [text for text in filled if pattern.fullmatch(text)]
        if len(hits) >= max(_LEAST, _SHARE * len(filled)) and len(set(hits)) >= _DISTINCT * len(hits):
            return kind
    return None
