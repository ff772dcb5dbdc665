"""The examples in the docstrings of `siam` run and print what they say."""

import doctest
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import siam
from siam.models import checkpoint

_ROOT = Path(siam.__file__).parent
NAMES = (  # what people reach for first; each has an example
    "siam.models.checkpoint.load",
    "siam.explanation.inference.explain",
    "siam.explanation.inference.Explanation.ranking",
    "siam.explanation.what_if.apply",
    "siam.images.reading.read_image",
    "siam.images.preprocessing.preprocess",
    "siam.explainers.registry.explainer",
    "siam.explainers.attribution.attribute_photo",
    "siam.gallery.store.read",
    "siam.evaluation.metrics.kendall_tau",
    "siam.evaluation.bootstrap.interval",
)


def _modules() -> list[str]:
    """Return the modules whose source has an example, so that no others are imported."""
    files = [path for path in sorted(_ROOT.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]
    return [".".join(path.relative_to(_ROOT.parent).with_suffix("").parts).removesuffix(".__init__") for path in files]


def _examples(module: str) -> list[doctest.DocTest]:
    return [test for test in doctest.DocTestFinder().find(import_module(module), module) if test.examples]


@pytest.fixture(scope="module", autouse=True)
def one_load():
    """Load each pair only once: no example changes one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "load", cache(checkpoint.load))
        yield


@pytest.mark.parametrize("module", _modules())
def test_examples_print_what_they_say(module):
    tests = _examples(module)
    assert tests
    for test in tests:
        said: list[str] = []
        result = doctest.DocTestRunner().run(test, out=said.append)
        assert result.failed == 0, "".join(said)


@pytest.mark.parametrize("name", NAMES)
def test_the_names_used_most_have_an_example(name):
    assert any(test.name == name for module in _modules() if name.startswith(module) for test in _examples(module))
