"""From which columns every column of one query is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

# What SQL itself leaves of a value where it does not tell it.
PRESENCE = "only whether it is known"
ORDER = "only the order of rows"
FORGOTTEN = "only whether the person was forgotten"
# Functions that compare a keyed hash with the suppression list and answer yes or no.
SUPPRESSION = {"is_suppressed"}
# Functions whose result is where a value stands among the others: they do tell it.
RANKS = (exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile)


@dataclass(frozen=True, order=True)
class Flow:
    """A source column that reaches a column.

    Attributes
    ----------
    table, column : str
        Source table as ``crm.customers`` (a seed: ``seeds.age_bands``), and its column.
    is_personal : bool
        Tagged as personal data.
    how : str
        The form it was brought into when it ceased to be personal; empty while it has not.
    """

    table: str
    column: str
    is_personal: bool = False
    how: str = ""

    @property
    def is_readable(self) -> bool:
        """Personal and not declassified."""
        return self.is_personal and not self.how


Flows = frozenset[Flow]
NOTHING: Flows = frozenset()


def brought_into(flows: Flows, how: str) -> Flows:
    """The flows, what is readable of them in this form."""
    return frozenset(replace(flow, how=how) if flow.is_readable else flow for flow in flows)


def _only(column: exp.Column) -> str:
    """The form in which SQL itself leaves a value, where it does not tell it; else empty."""
    if isinstance(column.parent, exp.Is) and isinstance(column.parent.expression, exp.Null):
        return PRESENCE
    node = column
    while node.parent is not None:
        if isinstance(node.parent, exp.Anonymous) and node.parent.name.lower() in SUPPRESSION:
            return FORGOTTEN
        if isinstance(node.parent, exp.Window) and (
            node.arg_key == "partition_by"
            or (node.arg_key == "order" and not isinstance(node.parent.this, RANKS))
        ):
            return ORDER
        if isinstance(node.parent, exp.If) and node.arg_key == "this" and _shows_or_hides(node):
            return PRESENCE
        node = node.parent
    return ""


def _shows_or_hides(condition: exp.Expression) -> bool:
    """Whether the case of a condition gives other columns or null, and no word of its own.

    `case when a then b end` tells of a whether b is there; `case when a then 'x' end` tells a.
    """
    case = condition.parent.parent
    if not isinstance(case, exp.Case):
        return False
    results = [branch.args["true"] for branch in case.args["ifs"]] + [case.args.get("default")]
    return all(
        result is None or isinstance(result, exp.Null) or result.find(exp.Column) is not None
        for result in results
    )


class Tracer:
    """Walks the scopes of one query, inside out."""

    def __init__(
        self, relations: Mapping[str, Mapping[str, Flows]], personal_tables: set[str]
    ) -> None:
        self._relations = relations
        self._personal_tables = personal_tables
        self._done: dict[int, dict[str, Flows]] = {}

    def trace(self, scope: Scope) -> dict[str, Flows]:
        """Flows of the columns a scope gives, in their order."""
        if id(scope) not in self._done:
            self._done[id(scope)] = (
                self._of_union(scope) if scope.set_operation_scopes else self._of_select(scope)
            )
        return self._done[id(scope)]

    def _of_union(self, scope: Scope) -> dict[str, Flows]:
        """Columns of a union go by their place and are called as in its first part."""
        parts = [self.trace(part) for part in scope.set_operation_scopes]
        merged = zip(*(part.values() for part in parts), strict=True)
        return {
            name: frozenset().union(*flows) for name, flows in zip(parts[0], merged, strict=True)
        }

    def _of_select(self, scope: Scope) -> dict[str, Flows]:
        given = {
            alias: self._columns_of(source) for alias, (_, source) in scope.selected_sources.items()
        }
        looked_up = {
            join.alias_or_name: self._of_expression(join.args["on"], given)
            for join in scope.expression.args.get("joins") or []
            if join.args.get("on") is not None
        }
        inner = frozenset().union(
            *(f for part in scope.subquery_scopes for f in self.trace(part).values())
        )
        made = {}
        for projection in scope.expression.selects:
            flows = self._of_expression(projection, given, looked_up)
            if projection.find(exp.Subquery, exp.Select):
                flows |= inner
            made[projection.alias_or_name.lower()] = flows
        return made

    def _columns_of(self, source: exp.Expression | Scope) -> Mapping[str, Flows]:
        if isinstance(source, Scope):
            if source.is_udtf:
                return {}
            return self.trace(source)
        return self._relations.get(source.name, {})

    def _of_expression(
        self,
        expression: exp.Expression,
        given: Mapping[str, Mapping[str, Flows]],
        looked_up: Mapping[str, Flows] | None = None,
    ) -> Flows:
        """Flows of all columns in an expression, and of what they were looked up by."""
        found: set[Flow] = set()
        for column in expression.find_all(exp.Column):
            flows = given.get(column.table, {}).get(column.name.lower(), NOTHING)
            if how := _only(column):
                # A key does not come back into a column because rows were put in order by it.
                found |= brought_into(
                    frozenset(f for f in flows if f.is_readable or not f.is_personal), how
                )
                continue
            found |= flows
            key = (looked_up or {}).get(column.table, NOTHING)
            if key and self._is_about_nobody(flows):
                found |= key
        return frozenset(found)

    def _is_about_nobody(self, flows: Iterable[Flow]) -> bool:
        return not any(flow.table in self._personal_tables for flow in flows)
