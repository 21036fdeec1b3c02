"""Servers that this benchmark cannot run, each with the reason."""

NOT_RUN = {
    "postgres-mcp 0.3.0 (crystaldba)": (
        "requires Python 3.12, and pglast 7.2.0, which the package index does not offer"
    ),
    "awslabs.postgres-mcp-server 1.2.2": (
        "takes its login from AWS (RDS or Secrets Manager) and connects over TLS to AWS addresses"
    ),
    "PostgREST": "is no package of PyPI or npm; the subject `claims` has its pattern",
}
