"""No error depends on a row that the caller does not see: policies filter before conditions run."""

import pytest

from tests.support.answers.asking import AskTool
from zava.retail.demo.stores import store_id

SWITCH = "(CASE WHEN o.store_id = '{other}' THEN 0 ELSE 1 END)"
FAILING = [
    f"SELECT count(*) FROM retail.orders AS o WHERE 1 / {SWITCH} = 1",
    f"WITH x AS NOT MATERIALIZED (SELECT * FROM retail.orders AS o) SELECT count(*) FROM x AS o WHERE 1 / {SWITCH} = 1",
    f"SELECT count(*) FROM retail.orders AS o WHERE o.store_id >= ANY (ARRAY['{{other}}']::uuid[]) AND 1 / {SWITCH} = 1",
    f"SELECT sum(1 / {SWITCH}) OVER () FROM retail.orders AS o LIMIT 1",
    f"SELECT DISTINCT ON (1 / {SWITCH}) 1 FROM retail.orders AS o",
    f"SELECT count(*) FROM retail.orders AS o GROUP BY 1 / {SWITCH}",
    f"SELECT count(*) FILTER (WHERE 1 / {SWITCH} = 1) FROM retail.orders AS o",
    f"SELECT 1 FROM retail.orders AS o ORDER BY 1 / {SWITCH} LIMIT 1",
    f"SELECT count(*) FROM retail.orders AS o HAVING max(1 / {SWITCH}) = 1",
    f"SELECT count(*) FROM retail.stores AS s JOIN retail.orders AS o ON 1 / {SWITCH} = 1",
    f"SELECT max(x.v) FROM retail.stores AS s LEFT JOIN LATERAL (SELECT 1 / {SWITCH} AS v FROM retail.orders AS o) AS x ON true",
    f"SELECT EXISTS (SELECT 1 FROM retail.orders AS o WHERE 1 / {SWITCH} = 1)",
    f"SELECT 1 / {SWITCH} FROM retail.inventory AS o UNION SELECT 1",
    "SELECT count(*) FROM retail.stores AS s WHERE 1 / (CASE WHEN s.store_name LIKE '%Redmond%' THEN 0 ELSE 1 END) = 1",
    f"SELECT count(*) FROM retail.inventory AS o WHERE 2147483647 + (1 - {SWITCH}) > 0",
    "SELECT count(*) FROM retail.orders AS o WHERE 10::numeric ^ (CASE WHEN o.store_id = '{other}' THEN 1000000 ELSE 1 END) > 0",
    "SELECT count(*) FROM retail.orders AS o WHERE (CASE WHEN o.store_id = '{other}' THEN '{{' ELSE '{{}}' END)::jsonb IS NOT NULL",
    "SELECT count(*) FROM retail.orders AS o WHERE (CASE WHEN o.store_id = '{other}' THEN 'x' ELSE '1' END)::int = 1",
    "SELECT count(*) FROM retail.orders AS o WHERE 'a' ~ (CASE WHEN o.store_id = '{other}' THEN '(' ELSE 'a' END)",
    "SELECT count(*) FROM retail.orders AS o WHERE 'ab' LIKE (CASE WHEN o.store_id = '{other}' THEN E'a\\\\' ELSE 'a' END)",
]  # fmt: skip


@pytest.mark.parametrize("sql", FAILING, ids=str)
async def test_error_on_another_store_s_row_never_comes(ask_tool: AskTool, sql: str) -> None:
    for other in (store_id("Redmond"), "4f0fbd5a-6b5a-4c85-8d31-3b0d3a1e0001"):
        statement = sql.format(other=other)
        told = await ask_tool("seattle", "execute_sales_query", {"postgresql_query": statement})
        assert not told.is_error, told.text
    own = sql.format(other=store_id("Seattle")).replace("Redmond", "Seattle")
    told = await ask_tool("seattle", "execute_sales_query", {"postgresql_query": own})
    assert told.is_error, "the statement does fail on a row of the caller's own"
