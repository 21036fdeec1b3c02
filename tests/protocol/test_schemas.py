"""The structure of tables in few words, and nothing of it lost."""

from zava.model.core import ColumnSchema, ForeignKey, Scope, TableSchema
from zava.protocol.rendering.schema import schema_content, schemas_text
from zava.retail.access_rules import STORE_MANAGERS

RETURNS = TableSchema(
    name="retail.returns",
    comment="What came back.",
    columns=(
        ColumnSchema("store_id", "uuid", is_nullable=False, comment=None),
        ColumnSchema(
            "reason", "text", is_nullable=True, comment="Why.", values=("broken", "wrong")
        ),
        ColumnSchema("taken_by", "uuid", is_nullable=True, comment=None),
    ),
    primary_key=("store_id",),
    foreign_keys=(
        ForeignKey(("store_id",), "retail.stores", ("store_id",)),
        ForeignKey(("taken_by",), "retail.customers", ("customer_id",)),
    ),
)
SCOPE = Scope(STORE_MANAGERS, ("Zava Retail Seattle",), 8)


def test_text_marks_what_is_not_as_everywhere() -> None:
    assert schemas_text([RETURNS], SCOPE).splitlines() == [
        "retail.returns: What came back.",
        "  store_id uuid",
        "  reason text null -- Why. -- one of: broken, wrong",
        "  taken_by uuid null",
        "  primary key (store_id)",
        "  (store_id) references retail.stores",
        "  (taken_by) references retail.customers (customer_id)",
        "",
        "Not null unless marked null; references that name no column are to those of the same names.",
        "Scope: Zava Retail Seattle (1 of 8 stores)",
    ]


def test_content_says_the_same() -> None:
    assert schema_content(RETURNS) == {
        "name": "retail.returns",
        "comment": "What came back.",
        "columns": {"store_id": "uuid", "reason": "text", "taken_by": "uuid"},
        "primary_key": ["store_id"],
        "nullable": ["reason", "taken_by"],
        "comments": {"reason": "Why."},
        "values": {"reason": ["broken", "wrong"]},
        "foreign_keys": [
            {"columns": ["store_id"], "table": "retail.stores"},
            {"columns": ["taken_by"], "table": "retail.customers", "references": ["customer_id"]},
        ],
    }
