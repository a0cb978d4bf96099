"""Expected codes of one field, by mutation, for the inventories."""

Row = dict[str, str]


def row(flipped: str, truncated: str, extended: str, replaced: str) -> Row:
    """Codes by mutation; what breaks the structure has the same code everywhere."""
    return {
        "flipped": flipped,
        "truncated": truncated,
        "extended": extended,
        "retyped": "wrong-type",
        "respelled": "not-canonical",
        "removed": "wrong-length",
        "duplicated": "wrong-length",
        "replaced": replaced,
    }


def fixed(code: str) -> Row:
    """A byte string of one length whose other values give `code`."""
    return row(code, "wrong-length", "wrong-length", code)


def always(code: str) -> Row:
    """A value of any length, of which others give `code`."""
    return row(code, code, code, code)


def output(code: str) -> Row:
    """An output: shorter ones are well-formed, the group refuses them."""
    return row(code, "delay-y-length", "wrong-length", code)
