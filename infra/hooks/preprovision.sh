#!/bin/sh
# Lets the deployer's own address through the firewall of the database, unless one is named.
set -eu

if [ "${ZAVA_USE_PRIVATE_NETWORK:-false}" = true ] || [ -n "${ZAVA_DEPLOYER_IP:-}" ]; then
  exit 0
fi
address=$(curl --silent --show-error --fail --max-time 20 https://api.ipify.org)
azd env set ZAVA_DEPLOYER_IP "$address"
