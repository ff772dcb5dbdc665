"""The reference pages name every key, column, setting and variable that the code reads or writes."""

import re
import tomllib
from dataclasses import fields

import pytest

from siam.comparison.records import FIGURES
from siam.datasets import DATASETS
from siam.datasets.flowers.layout import COLUMNS as FLOWERS
from siam.datasets.votes import ATTRIBUTION_COLUMNS, COLUMNS
from siam.evaluation.figures import (
    AttributeFigures,
    MaskFigures,
    PlaceOfAttribute,
    ScoreFigures,
    VariantFigures,
)
from siam.evaluation.stored import VARIANTS, Result
from siam.explainers.references import REFERENCES
from siam.gallery.store import SCHEMA, About
from siam.models.siam import SIAMConfig
from siam.reports.files import ARRAYS, data_json, difference_data_json
from siam.runtime.provenance import provenance
from tests.docs.blocks import DOCS
from tests.support.fakes import fake_explanation
from tests.support.paths import ROOT

DIFFERENCE = difference_data_json([fake_explanation()] * 2, ["a.jpg", "b.jpg"], {})


def named(page):
    """Return what a page sets in code, and the words within."""
    codes = re.findall(r"`([^`\n]+)`", (DOCS / "reference" / page).read_text(encoding="utf-8"))
    return {word for code in codes for word in (code, *re.split(r"[^\w…-]+", code))}


def figures():
    names = {
        name for kind in (ScoreFigures, AttributeFigures, MaskFigures, PlaceOfAttribute) for name in kind.known_names()
    }
    names |= set(VariantFigures.known_names())
    return {re.sub(r"_(interval|sd)$", "", name) for name in names}


@pytest.mark.parametrize(
    "names",
    [
        pytest.param({of.name for of in fields(SIAMConfig)}, id="settings of a network"),
        pytest.param(set(provenance()), id="card"),
        pytest.param({*data_json(fake_explanation(), "photo.jpg", {}), *ARRAYS}, id="explanation"),
        pytest.param({*DIFFERENCE, *DIFFERENCE["differences"][0]}, id="difference"),
        pytest.param({*SCHEMA.names, *(of.name for of in fields(About))}, id="gallery"),
        pytest.param({*VARIANTS, *(of.name for of in fields(Result)), *figures()}, id="result"),
        pytest.param({"settings", "network", "identifier", "method", *REFERENCES, *FIGURES}, id="records"),
        pytest.param({*DATASETS, *COLUMNS[:-1], "Geograph URI", *ATTRIBUTION_COLUMNS, *FLOWERS}, id="datasets"),
    ],
)
def test_files(names):
    headings = set(
        re.findall(r"^### (\w+)$", (DOCS / "reference" / "files.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert names - named("files.md") - headings == set()


def test_settings_of_streamlit():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    names = {f"{section}.{name}" for section, values in settings.items() if section != "theme" for name in values}
    assert names - named("configuration.md") == set()


def test_environment_variables():
    sources = [path for folder in ("siam", "ui", "pages") for path in (ROOT / folder).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    read = set(re.findall(r"""(?:environ(?:\.get)?|getenv)[\[(]\s*["'](\w+)["']""", text))
    assert {"HF_ENDPOINT", "XDG_CACHE_HOME"} <= read
    assert read - named("configuration.md") == set()
