#!/bin/sh
# Waits until the deployed app has proved isolation from where it runs, as itself.
set -eu

if ! curl --silent --show-error --fail --max-time 60 \
  --retry 30 --retry-delay 10 --retry-all-errors "$ZAVA_READY_URL"; then
  echo "The app is not ready: $ZAVA_READY_URL; see the troubleshooting of docs/deploy.md." >&2
  exit 1
fi
echo
echo "MCP clients connect to $ZAVA_MCP_URL"
