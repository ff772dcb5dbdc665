"""Text in tables that people open in spreadsheets."""

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # some spreadsheets take the wide forms for the others


def defused(text: str) -> str:
    """Return text in a form that no spreadsheet takes for a formula: with an apostrophe before it, if necessary."""
    return f"'{text}" if text.startswith(("\t", "\r")) or text.lstrip().startswith(_FORMULA) else text
