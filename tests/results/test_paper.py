"""The paper's tables beside ours: the reported figures as they stand, ours under the names of their data."""

from siam.evaluation.stored import Result, variant_figures
from siam.results import paper


def result(figures, **changes):
    described = {
        "model": "photo",
        "data": "oasis_scenes",
        "split": "all",
        "protocol": "5-fold cross-validation",
        "date": "2026-11-21",
        "command": "python -m siam train recipes/photo.toml",
        "git_commit": "0123456789abcdef",
    }
    return Result(**{**described, **changes}, figures=variant_figures(figures))


def scored(tau, rmse, n=141):
    return {"kendall_tau": tau, "rmse": rmse, "n": n}


def precise(precision, n=205):
    return {"mean_average_precision": precision, "n": n}


TREES = {
    "kendall_tau": 0.888,
    "kendall_tau_interval": None,
    "mean_present": None,
    "mean_absent": None,
    "present": 0,
    "absent": 141,
    "rmse": 0.888,
}
CROSSED = result(
    {
        "siam": {
            "oasis_scenes": scored(0.632, 0.763),
            "sun_test": precise(0.599),
            "f_alone": precise(0.588),
            "without_regions": precise(0.777),
            "presence": {"predicted": {"n": 141, "attributes": {"trees": TREES}}},
        },
        "siam-frozen": {"oasis_scenes": scored(0.5, 0.9)},
        "baseline": {"oasis_scenes": scored(0.673, 0.643)},
    },
)
BOTH = result({"siam": {**scored(0.4, None, 60), "annotated": {**scored(0.3, 1.5, 7), **precise(0.7, 7)}}}, data="own")


def rows(results, title):
    """Return variant → cells of a table, and the cells of its head, from its Markdown."""
    whole = paper.markdown(results)
    part = whole[whole.index(title) :].split("\n\n")[1]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()]
    assert len({len(line) for line in lines}) == 1
    return {line[0]: line[1:] for line in lines[2:]}, lines[0][1:]


def test_the_paper_s_figures_stand_first_and_alone_without_results():
    table, head = rows([], "Table 2")
    assert [cell.startswith("**reported by the paper:**") for cell in head] == [True, True, False]
    assert table == {
        "baseline": ["0.987 / 0.640", "–", "–"],
        "SIAM": ["1.01 / 0.607", "0.418", "–"],
        "SIAM, no fine-tuning": ["1.24 / 0.496", "0.331", "–"],
    }
    table, _head = rows([], "Table 3")
    assert table == {
        "baseline": ["1.23 / 0.747", "–", "–"],
        "SIAM": ["1.22 / 0.700", "0.501", "–"],
        "SIAM, no fine-tuning": ["1.68 / 0.526", "0.449", "–"],
    }
    assert paper.text([]).count("nothing measured yet") == 2


def test_ours_stand_beside_them_under_the_names_of_their_data():
    table, head = rows([CROSSED, BOTH], "Table 2")
    assert [" ".join(cell.replace("·", "").split()) for cell in head[2:]] == [
        "**measured on our data:** oasis_scenes 141 photos [1] RMSE / τ",
        "**measured on our data:** sun_test 205 photos [1] mean AP",
        "**measured on our data:** own, all 60 photos [2] RMSE / τ",
    ]
    assert table["SIAM"][2:] == ["0.763 / 0.632", "0.599", "– / 0.400"]
    assert table["SIAM, no fine-tuning"][2:] == ["0.900 / 0.500", "0.588", "–"]  # f alone is the f that stays frozen
    assert table["baseline"][2:] == ["0.643 / 0.673", "–", "–"]
    table, head = rows([CROSSED, BOTH], "Table 3")
    assert table["SIAM"][2:] == ["1.500 / 0.300", "0.700"]
    assert all("own, all" in cell and "7 photos [1]" in cell for cell in head[2:])


def test_only_variants_of_the_paper_and_no_presence_are_in_the_tables():
    for render in (paper.markdown, paper.text):
        assert "0.777" not in render([CROSSED])
        assert "0.888" not in render([CROSSED])


def test_every_measured_column_has_its_source_once():
    for render in (paper.markdown, paper.text):
        whole = render([CROSSED])
        assert whole.count("5-fold cross-validation; 2026-11-21, commit 0123456789ab; `python -m siam train") == 1


def test_text_keeps_the_double_bar_in_one_column():
    lines = [line for line in paper.text([CROSSED, BOTH]).splitlines() if "‖" in line]
    first, second = lines[:7], lines[7:]
    for table in (first, second):
        assert len({line.index("‖") for line in table}) == 1
    assert "0.987" in first[4] and first[4].index("0.987") < first[4].index("‖") < first[4].index("0.643")
