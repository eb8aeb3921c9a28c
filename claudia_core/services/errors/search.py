"""Finding issues: by status, by words, by where they happened and whom they affected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from claudia_core.errors import InvalidValue
from claudia_core.model.issue import Issue, IssueStatus
from claudia_core.model.values import require_text
from claudia_core.ports import Document, Page, Query, Reader
from claudia_core.stores.schema import encode_next, sort_key

ORDERS = ("-last_seen", "last_seen", "-first_seen", "first_seen", "-count_key", "count_key")
MOST_LOOKED_AT = 10_000
"""Issues that one search looks at; `next` goes on behind them."""

TOGETHER = 1_000


@dataclass(frozen=True, slots=True)
class IssuePage:
    """Some issues in the asked order; `next` asks for the rest."""

    issues: list[Issue]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class IssueQuery:
    """Which issues.

    Args:
        status: only these; empty for all.
        text: words that all must be in the type, title, culprit, service, environment or release, or an issue's id;
            case does not matter.
        service, environment, release, level: only issues that were seen there.
        task_id, agent_id: only issues that affected it.
        order: one of `ORDERS`.
    """

    status: tuple[str, ...] = ()
    text: str = ""
    service: str = ""
    environment: str = ""
    release: str = ""
    level: str = ""
    task_id: str | None = None
    agent_id: str | None = None
    order: str = "-last_seen"
    limit: int = 100
    after: str | None = None

    def checked(self) -> IssueQuery:
        """This with every value checked.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        known = tuple(IssueStatus)
        for status in self.status:
            if status not in known:
                raise InvalidValue(f"status is {status!r:.80}", field="status", hint=", ".join(known))
        if self.order not in ORDERS:
            raise InvalidValue(f"order is {self.order!r:.80}", field="order", hint=", ".join(ORDERS))
        return replace(self, text=require_text(self.text, "text", 200, empty=True))


def find_issues(reader: Reader, asked: IssueQuery) -> IssuePage:
    """One page of issues.

    Raises:
        InvalidValue: the query breaks a rule, or `after` belongs to another order.
    """
    if asked.task_id is not None or asked.agent_id is not None:
        return _affecting(reader, asked)
    where = {"status": list(asked.status)} if asked.status else {}
    query = Query("issues", where, asked.order, asked.after, asked.limit)
    if not _is_narrow(asked):
        page = reader.find(query)
        return IssuePage([Issue.from_document(document) for document in page.documents], page.next)
    return _searched(reader, asked, query)


def _searched(reader: Reader, asked: IssueQuery, query: Query) -> IssuePage:
    found: list[Document] = []
    for page in _pages(reader, query):
        for document in page.documents:
            if matches(document, asked):
                found.append(document)
                if len(found) > asked.limit:
                    kept = found[: asked.limit]
                    return _page(kept, encode_next(asked.order, sort_key(asked.order, kept[-1])))
    return _page(found, page.next)


def _pages(reader: Reader, query: Query) -> Iterator[Page]:
    query = replace(query, limit=TOGETHER)
    for _ in range(MOST_LOOKED_AT // TOGETHER):
        page = reader.find(query)
        yield page
        if page.next is None:
            return
        query = replace(query, after=page.next)


def _affecting(reader: Reader, asked: IssueQuery) -> IssuePage:
    """Issues of one task or agent: few, so all of them at once."""
    subject = f"task/{asked.task_id}" if asked.task_id is not None else f"agent/{asked.agent_id}"
    rows = reader.find(Query("affected", {"subject": subject}, limit=asked.limit)).documents
    ids = [row["issue"].partition("/")[0] for row in rows]
    documents = [document for document in reader.get_many("issues", ids).values() if matches(document, asked)]
    documents.sort(key=lambda one: sort_key(asked.order, one), reverse=asked.order.startswith("-"))
    return _page(documents, None)


def _page(documents: list[Document], next: str | None) -> IssuePage:
    return IssuePage([Issue.from_document(document) for document in documents], next)


def _is_narrow(asked: IssueQuery) -> bool:
    return bool(asked.text.strip() or asked.service or asked.environment or asked.release or asked.level)


def matches(document: Document, asked: IssueQuery) -> bool:
    """Whether an issue's document is one of those asked for."""
    if asked.status and document["status"] not in asked.status:
        return False
    if asked.level and document["level"] != asked.level:
        return False
    places = ((asked.service, "services"), (asked.environment, "environments"), (asked.release, "releases"))
    if any(word and word not in document[name] for word, name in places):
        return False
    words = asked.text.casefold().split()
    if not words:
        return True
    if words == [document["id"]]:
        return True
    names = (document["type"], document["title"], document["culprit"])
    text = "\n".join([*names, *document["services"], *document["environments"], *document["releases"]]).casefold()
    return all(word in text for word in words)
