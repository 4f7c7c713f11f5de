"""The models whose `model_json_schema()` is kept beside this file: `python models.py DIR` writes it again (Pydantic 2)."""

import datetime
import json
import sys
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar, Union
from uuid import UUID

from pydantic import (
    AliasChoices, AnyUrl, AwareDatetime, BaseModel, ByteSize, ConfigDict, Discriminator, Field, Json, PastDate,
    PositiveInt, RootModel, SecretStr, StringConstraints, Tag,
)
from pydantic.dataclasses import dataclass
from typing_extensions import TypedDict

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    total: Annotated[int, Field(ge=0)]
    next: Optional["Page[Item]"] = None


class Colour(str, Enum):
    red = "red"
    green = "green"


class Level(IntEnum):
    low = 1
    high = 2


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(gt=0, le=9)] = 9


class Dog(BaseModel):
    kind: Literal["dog", "wolf"]
    owner: SecretStr


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Labels(TypedDict, total=False):
    short: str
    long: str


@dataclass
class Size:
    width: PositiveInt
    height: PositiveInt


class Names(RootModel[dict[str, Annotated[str, StringConstraints(min_length=1, pattern=r"^[^/]+$")]]]):
    pass


class Specimen(BaseModel):
    """Nearly every kind of field."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"x-mallku": {"collection": "specimens", "allow": ["read", "insert", "replace"]}},
    )

    id: UUID
    taken: AwareDatetime
    found: datetime.datetime
    day: PastDate
    at: datetime.time
    took: datetime.timedelta
    price: Annotated[Decimal, Field(max_digits=8, decimal_places=2)]
    colour: Colour = Colour.red
    level: Level
    flag: Literal[True, 1, "yes", None] = None
    animal: Annotated[Union[Cat, Dog], Field(discriminator="kind")]
    tagged: Annotated[
        Union[Annotated[Cat, Tag("c")], Annotated[Dog, Tag("d")]], Discriminator(lambda value: "c")
    ]
    pages: Page[Cat]
    size: Size
    where: Point
    labels: Labels
    names: Names
    site: AnyUrl
    host: IPv4Address
    file: Path
    raw: bytes
    parsed: Json[list[int]]
    bytes_used: ByteSize
    pair: tuple[int, str]
    many: tuple[float, ...]
    codes: frozenset[Annotated[str, StringConstraints(to_upper=True, max_length=3)]]
    by_id: dict[UUID, list[Size]]
    numbers: dict[int, float]
    anything: Any = None
    loose: object = None
    alias_name: Annotated[str, Field(alias="aliasName")]
    chosen: Annotated[int, Field(validation_alias=AliasChoices("chosenOne", "chosen_1"), multiple_of=5)] = 5
    hidden: Annotated[str | None, Field(json_schema_extra={"writeOnly": True})] = None
    made: Annotated[str | None, Field(json_schema_extra={"readOnly": True})] = None


class Node(BaseModel):
    model_config = ConfigDict(extra="allow", json_schema_extra={"x-mallku": {"collection": "nodes", "allow": ["read", "insert"]}})
    __pydantic_extra__: dict[str, int]

    name: str
    left: Optional["Node"] = None
    right: Optional["Node"] = None


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for model in (Specimen, Node, Page[Size]):
        name = model.__name__.split("[")[0].lower()
        (folder / f"{name}.json").write_text(json.dumps(model.model_json_schema(), indent=2) + "\n")
    specimen = Specimen.model_validate({
        "id": "d2719b1c-5c3c-4b1e-9f0e-5a8c8f1a2b3c", "taken": "2026-01-01T12:00:00Z", "found": "2026-01-01T12:00:00",
        "day": "2020-02-29", "at": "08:30:00", "took": "P1DT2H", "price": "12.50", "level": 2, "flag": "yes",
        "animal": {"kind": "wolf", "owner": "Ana"}, "tagged": {"kind": "cat", "lives": 3},
        "pages": {"items": [{"kind": "cat"}], "total": 1, "next": {"items": [], "total": 0}},
        "size": {"width": 1, "height": 2}, "where": [1.5, 2], "labels": {"short": "s"}, "names": {"a": "b"},
        "site": "https://example.org/x", "host": "10.0.0.1", "file": "/tmp/x", "raw": "abc", "parsed": "[1, 2]",
        "bytes_used": 1024, "pair": [1, "a"], "many": [1.0, 2.5], "codes": ["abc"],
        "by_id": {"d2719b1c-5c3c-4b1e-9f0e-5a8c8f1a2b3c": [{"width": 1, "height": 1}]}, "numbers": {"1": 0.5},
        "aliasName": "x", "chosenOne": 10,
    })
    text = specimen.model_dump_json(by_alias=True, round_trip=True, indent=2)
    (folder / "specimen.document.json").write_text(text + "\n")
