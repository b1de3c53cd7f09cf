"""Filters that the database can answer: `userName eq "…"` and its like."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from scim2_models import ScimFilter
from scim2_models.path.expressions import CompareOperator, Comparison

Row = TypeVar("Row", bound=Model)


def narrowed(
    rows: QuerySet[Row], asked: ScimFilter[Any] | None, columns: dict[str, str]
) -> QuerySet[Row] | None:
    """The rows that a plain equality selects; None when the filter is anything else.

    `columns` gives the column of an attribute, spelled in lower case.
    """
    if asked is None:
        return None
    node = asked.ast
    if not isinstance(node, Comparison) or node.op is not CompareOperator.eq:
        return None
    column = columns.get(node.attr_path.attr.casefold())
    value = node.value
    if column is None or node.attr_path.sub_attr or not isinstance(value, str):
        return None
    exactly = column if column == "external_id" else f"{column}__iexact"
    return rows.filter(**{exactly: value})
