"""The command line of the fuzzer: `python -m tests.fuzz --help`."""

import argparse
import shlex
import sys
from pathlib import Path

from tests.fuzz import run

_SAVED = Path("fuzz-failures")
_MANY = 10**9


def main() -> int:
    """Run inputs, print what failed with the command that repeats it, and the counts; 1 if anything failed."""
    options = _options()
    if options.number is not None:
        outcomes = list(run.run(options.only, [options.number], options.seed))
        done = {options.only: run.Count(outcomes)}
        sys.stdout.write("".join(f"{of.kind}: {of.answer} {of.words}\n" for of in outcomes))
    else:
        done = run.all_parts(_counts(options), options.seed, options.seconds, _tell)
    failed = [failure for name, count in done.items() for failure in run.failures(name, count, options.seed, _SAVED)]
    for failure in failed:
        sys.stdout.write(f"{failure}\n")
    for name, count in done.items():
        answers = [of.answer for of in count.outcomes]
        told = ", ".join(f"{answers.count(answer):,} {answer}" for answer in ("read", "refused", "failed"))
        sys.stdout.write(f"{name}: {len(answers):,} inputs, {told}\n")
    if options.json:
        run.write(done, options.seed, shlex.join(["python", "-m", "tests.fuzz", *sys.argv[1:]]), options.json)
    return 1 if failed else 0


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Read damaged and odd inputs.")
    parser.add_argument("--seconds", type=float, help="when to stop, all parts together")
    parser.add_argument("--pictures", type=int, default=0, help="how many pictures to read")
    parser.add_argument("--others", type=int, default=0, help="how many tables, files and addresses to read")
    parser.add_argument("--only", choices=run.PARTS, help="one part alone")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other inputs")
    parser.add_argument("--number", type=int, help="one input alone, of the part given by --only")
    parser.add_argument("--json", type=Path, help="file for the counts")
    options = parser.parse_args()
    if options.number is not None and options.only is None:
        parser.error("--number needs --only")
    if options.number is None and not (options.seconds or options.pictures or options.others):
        parser.error("say how much: --seconds, or --pictures and --others")
    return options


def _counts(options: argparse.Namespace) -> dict[str, int]:
    """Return how many inputs of each part to run."""
    if not (options.pictures or options.others):
        return dict.fromkeys([options.only] if options.only else run.PARTS, _MANY)
    counts = {
        "pictures": options.pictures,
        **{name: round(options.others * share) for name, share in run.SHARES.items()},
    }
    return {name: many for name, many in counts.items() if many and options.only in (None, name)}


if __name__ == "__main__":
    sys.exit(main())
