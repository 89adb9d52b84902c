"""Print what an observed build found out of the ordinary, one line each."""

import argparse
import json
from pathlib import Path
from typing import Any


def findings(target: Path) -> list[str]:
    """The tests that warned or failed.

    Parameters
    ----------
    target : Path
        Folder of the ``run_results.json`` and ``manifest.json`` of the build.

    Returns
    -------
    list of str
        Status, table or column, and kind of each test.
    """
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    return sorted(
        f"{result['status']:<6}{_place(nodes.get(result['unique_id'], {}), result['unique_id'])}"
        for result in results
        if result["status"] in {"warn", "fail", "error", "runtime error"}
    )


def _place(node: dict[str, Any], unique_id: str) -> str:
    """What was watched, and for what."""
    watched = [".".join(source) for source in node.get("sources", [])]
    watched += [reference["name"] for reference in node.get("refs", [])]
    if "test_metadata" not in node or not watched:
        return unique_id
    column = node.get("column_name")
    return f"{watched[0]}{f'.{column}' if column else ''}: {node['test_metadata']['name']}"


def main() -> None:
    """Read the arguments and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="target folder of the build")
    found = findings(parser.parse_args().target)
    for line in found or ["Nothing out of the ordinary."]:
        print(line)


if __name__ == "__main__":
    main()
