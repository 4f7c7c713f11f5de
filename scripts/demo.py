"""Two allowed queries and four refused ones, through python-arango, as an application would send them."""

import os
import textwrap

from arango import ArangoClient
from arango.exceptions import AQLQueryExecuteError

database = ArangoClient(hosts=os.environ["MALLKU_DEMO_URL"]).db(
    "_system", username="mallku", password=os.environ["MALLKU_DEMO_PASSWORD"], verify=True
)


def title(text: str) -> None:
    print(f"\n\033[1m── {text}\033[0m\n")


def send(what: str, query: str, **bind_vars: object) -> list | None:
    query = textwrap.dedent(query).strip()
    print(f"\033[1m{what}\033[0m")
    print(textwrap.indent(query, "    "))
    try:
        rows = list(database.aql.execute(query, bind_vars=bind_vars or None))
    except AQLQueryExecuteError as error:
        print(f"  \033[31mrefused\033[0m  AQLQueryExecuteError: HTTP {error.http_code}, error {error.error_code}")
        print(textwrap.indent(str(error), "           "))
        print()
        return None
    print("  \033[32mallowed\033[0m")
    for row in rows:
        print(f"           {row}")
    print()
    return rows


title("An application remembers")
for number, domain in enumerate(["governance", "governance", "ethics", "memory"]):
    database.aql.execute(
        "INSERT @episode INTO episodes",
        bind_vars={
            "episode": {
                "_key": f"demo-{number}",
                "timestamp": f"2026-11-{10 + number}T08:00:00Z",
                "decision_domain": domain,
                "question": "What shall we keep?",
                "is_sacred": number == 2,
                "human_participant": {"name": "Ana", "contact": "ana@example.org"},
            }
        },
    )
print("four episodes inserted; each names the human who took part, in an attribute that nobody may read back")

title("Two allowed queries")
newest = send(
    "The newest episodes of related domains",
    """
    FOR e IN episodes
      FILTER e.decision_domain IN @domains
      SORT e.timestamp DESC
      LIMIT 3
      RETURN {when: e.timestamp, domain: e.decision_domain}
    """,
    domains=["governance", "ethics"],
)
counted = send(
    "How many episodes each domain has",
    """
    FOR e IN episodes
      COLLECT domain = e.decision_domain WITH COUNT INTO episodes_of_it
      SORT episodes_of_it DESC
      RETURN {domain, episodes_of_it}
    """,
)

title("Four refused ones, in the driver's own words")
refused = [
    send("Who took part?", "FOR e IN episodes RETURN e.human_participant.name"),
    send(
        "Who took part, one letter at a time?",
        """
        FOR e IN episodes
          FILTER e.human_participant.name LIKE "A%"
          RETURN e.decision_domain
        """,
    ),
    send("What else is in this database?", "FOR u IN _users RETURN u"),
    send("A document whose name is hidden in a function", 'RETURN DOCUMENT(CONCAT("epi", "sodes/demo-0"))'),
]

assert newest is not None and len(newest) == 3, "the first allowed query gave another result"
assert counted is not None and len(counted) == 3, "the second allowed query gave another result"
assert refused == [None] * 4, "a query that must be refused was not"
