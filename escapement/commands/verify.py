"""`escapement verify`: the stranger's check of one bundle; the same as `python -m ivc.verify`."""

from pathlib import Path
from typing import Annotated

import typer

from escapement import console


def verify(
    bundle: Annotated[Path, typer.Argument(help="The bundle file.")],
    policy: Annotated[Path, typer.Option("--policy", "-p", help="Your own policy file.")],
    ptau: Annotated[Path | None, typer.Option(help="Powers-of-tau file; only for scheme hyperkzg.")] = None,
    as_json: console.JsonOption = False,
) -> None:
    """Check a bundle under a policy and print what it shows; exit 0 only if everything holds.

    Needs nothing but the two files. The first check of a program derives its verifying key (about 15
    seconds), later ones load it from the cache. Exit 1: well-formed but false or not the policy's; exit 5:
    not of its format.

    \b
    Examples:
      escapement verify --policy policy.toml bundle.esc
      escapement verify -p policy.toml bundle.esc --json
    """
    from ivc.policy import load_policy
    from ivc.verify import load_bundle
    from ivc.verify import verify as check

    own = load_policy(policy)
    statement = check(own, load_bundle(own, bundle), ptau=ptau)
    console.emit(as_json, statement.to_dict(), statement.words())
