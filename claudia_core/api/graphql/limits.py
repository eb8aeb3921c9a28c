"""How much one GraphQL request may ask for: text, depth, aliases, and items in its answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)
from strawberry.extensions import SchemaExtension

from claudia_core.errors import TooLarge

MAX_BYTES = 8_000_000
"""Largest body of a request, in bytes."""

MAX_TOKENS = 2_000
MAX_DEPTH = 10
MAX_ALIASES = 30
MAX_OPERATIONS = 100
"""Most operations under way on one socket."""

MAX_ITEMS = 10_000
"""Most list items in one answer, all lists together; of a subscription, in one message."""


class Budget:
    """Counts the items handed out while one answer is made."""

    def __init__(self, most: int = MAX_ITEMS) -> None:
        self.left = most

    def spend(self, items: int) -> None:
        """Count items.

        Raises:
            TooLarge: the answer would hold more than `MAX_ITEMS`.
        """
        self.left -= items
        if self.left < 0:
            raise TooLarge(
                f"the answer would hold more than {MAX_ITEMS:,} items", field="limit", hint="ask for fewer, or by pages"
            )


_budget: ContextVar[Budget] = ContextVar("claudia_graphql_budget")


def new_budget() -> None:
    """Begin to count anew, for an answer that this task is about to make."""
    _budget.set(Budget())


def spend(items: int) -> None:
    """Count items of the present answer; see `Budget.spend`."""
    _budget.get().spend(items)


class Limits(SchemaExtension):
    """Applies the limits to every operation."""

    def on_operation(self) -> Iterator[None]:
        """Before the text is parsed."""
        self.execution_context.parse_options["max_tokens"] = MAX_TOKENS
        self.execution_context.validation_rules = (*self.execution_context.validation_rules, ShapeRule)
        new_budget()
        yield


class Shape(NamedTuple):
    """How deep a selection goes, and how many aliases it holds with its fragments written out."""

    depth: int = 0
    aliases: int = 0


class ShapeRule(ValidationRule):
    """Refuses operations that are too deep or hold too many aliases.

    Each fragment is looked at once: strawberry's own limiters write fragments out, and take exponential time for
    fragments that spread fragments. Introspection is not counted here; graphql-core bounds it.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments: dict[str, Shape] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Called for each operation of the document."""
        shape = self._of_set(node.selection_set)
        if shape.depth > MAX_DEPTH:
            self.report_error(GraphQLError(f"{shape.depth} levels, over the limit of {MAX_DEPTH}", [node]))
        if shape.aliases > MAX_ALIASES:
            self.report_error(GraphQLError(f"{shape.aliases:.3g} aliases, over the limit of {MAX_ALIASES}", [node]))

    def _of_set(self, selections: SelectionSetNode | None) -> Shape:
        shapes = [self._of(node) for node in selections.selections] if selections else []
        return Shape(max((shape.depth for shape in shapes), default=0), sum(shape.aliases for shape in shapes))

    def _of(self, node: Any) -> Shape:
        if isinstance(node, FragmentSpreadNode):
            return self._of_fragment(node.name.value)
        inner = self._of_set(node.selection_set)
        if not isinstance(node, FieldNode):
            return inner
        if node.name.value.startswith("__"):
            return Shape()
        return Shape(inner.depth + 1, inner.aliases + (node.alias is not None))

    def _of_fragment(self, name: str) -> Shape:
        if name not in self._fragments:
            self._fragments[name] = Shape()  # a fragment that spreads itself is refused by another rule
            fragment: FragmentDefinitionNode | None = self.context.get_fragment(name)
            self._fragments[name] = self._of_set(fragment.selection_set) if fragment else Shape()
        return self._fragments[name]
