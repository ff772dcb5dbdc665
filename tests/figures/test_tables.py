"""Heads span what they stand above; text stays text."""

from xml.etree import ElementTree

from siam.figures.tables import html_table


def test_adjacent_equal_heads_are_one_below_the_same_group():
    heads = [("paper", "SUN", "AP"), ("ours", "SUN", "AP"), ("ours", "SUN", "tau"), ("ours", "own", "AP")]
    table = ElementTree.fromstring(html_table(heads, {"SIAM": ["1", "2", "3", "4"]}))
    lines = [[(cell.text, cell.get("colspan", "1")) for cell in row] for row in table.iter("tr")]
    assert lines == [
        [(None, "1"), ("paper", "1"), ("ours", "3")],
        [("SUN", "1"), ("SUN", "2"), ("own", "1")],
        [("AP", "1"), ("AP", "1"), ("tau", "1"), ("AP", "1")],
        [("SIAM", "1"), ("1", "1"), ("2", "1"), ("3", "1"), ("4", "1")],
    ]
    assert next(table.iter("td")).get("rowspan") == "3"  # above the names of the rows


def test_a_row_of_one_cell_is_the_head_of_those_below():
    table = ElementTree.fromstring(html_table([("a",), ("b",)], [["What"], ["mean", "1", "2"]]))
    group = list(table.iter("tr"))[1][0]
    assert (group.text, group.get("colspan"), group.get("scope")) == ("What", "3", "rowgroup")


def test_only_what_has_words_is_a_head_and_a_wide_table_scrolls_by_keys():
    markup = html_table([("photos", ""), ("photos", "AP")], {"SIAM": ["1", "2"]})
    table = ElementTree.fromstring(markup)
    assert [cell.text for cell in table.iter("th")] == ["photos", "AP", "SIAM"]
    assert (table.get("tabindex"), table.get("aria-label")) == ("0", "table")
    assert {len(list(row)) for row in table.iter("tr")} == {2, 3}


def test_markup_in_cells_is_shown_as_it_is():
    table = html_table([("<b>",)], {"<script>": ["&"]})
    assert "<script>" not in table and "<b>" not in table
    assert [cell.text for cell in ElementTree.fromstring(table).iter("td")] == [None, "&"]
