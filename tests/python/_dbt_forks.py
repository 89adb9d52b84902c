"""dbt for the tests: one process that has imported it, and a fork of that for each command.

Reads a command a line from stdin, `{"arguments": [...], "environment": {...}, "folder": "...",
"output": "..."}`, and answers with a line: the exit code, negative if a signal ended it. The output
of a command goes to the file `output`.

Before a fork modules are imported and nothing else, and of these not DuckDB, which starts a thread
as it is imported. Those of OpenBLAS and jemalloc know of forks.
"""

import gc
import json
import os
import sys

import dbt.cli.main
import numpy as np
from dbt.contracts import project
from dbt.contracts.graph import nodes, unparsed

from python_ext import clustering, drift, features, lifetime_value, propensity, quality  # noqa: F401

# dbt makes a schema of each of these the first time it reads one, and keeps it.
READ = (
    *(project.Configuration, project.PackageConfig, project.Project, project.ProjectFlags),
    *(nodes.AnalysisNode, nodes.GenericTestNode, nodes.HookNode, nodes.ModelNode),
    *(nodes.SeedNode, nodes.SingularTestNode),
    *(unparsed.UnparsedExposure, unparsed.UnparsedModelUpdate, unparsed.UnparsedNodeUpdate),
    *(unparsed.UnparsedSourceDefinition, unparsed.UnparsedUnitTest),
)


def become(command: dict) -> None:
    """Make this process the one that a shell would have started for the command."""
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(command["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for opened, standard in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(opened, standard)
    os.close(nothing)
    os.close(output)
    sys.argv = command["arguments"]
    # What forgets to be seeded must differ between two commands here as well; `random` sees to it.
    np.random.seed()  # noqa: NPY002


def main() -> None:
    if "duckdb" in sys.modules:
        sys.exit("DuckDB is imported before the fork")
    for contract in READ:
        contract.json_schema()
    # What is imported stays: the collector need not look at it again in each command.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            become(json.loads(line))
            sys.exit(dbt.cli.main.cli())
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
