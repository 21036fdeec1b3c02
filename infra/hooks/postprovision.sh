#!/bin/sh
# Prepares the database, as its administrator: login, schema, context keys, first grant, proof.
# Every step finds what is done and leaves it. The outputs of main.bicep are the settings here.
set -eu

if [ "${ZAVA_PREPARE_DATABASE:-true}" != true ]; then
  echo "The database is left as it is (ZAVA_PREPARE_DATABASE); see docs/deploy.md."
  exit 0
fi
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Preparing the database needs Python 3.11 or newer as python3." >&2
  exit 1
fi
[ -x .azure/.venv/bin/python ] || python3 -m venv .azure/.venv
.azure/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-deploy.txt

zava() {
  .azure/.venv/bin/python -m zava "$@"
}

zava migrate --server-identity "$ZAVA_SERVER_OBJECT_ID"
if [ "${ZAVA_SEED:-false}" = true ]; then
  zava seed
fi
zava grant --as deployer --tenant "$AZURE_TENANT_ID" --object "$AZURE_PRINCIPAL_ID" --audience head_office
if [ -n "${AZURE_OPENAI_ENDPOINT:-}" ]; then
  zava embed
fi
zava verify
