# Waits until the deployed app has proved isolation from where it runs, as itself.
$ErrorActionPreference = 'Stop'

try {
  Invoke-RestMethod -Uri $env:ZAVA_READY_URL -TimeoutSec 60 -MaximumRetryCount 30 -RetryIntervalSec 10
}
catch {
  throw "The app is not ready: $env:ZAVA_READY_URL; see the troubleshooting of docs/deploy.md."
}
Write-Host "MCP clients connect to $env:ZAVA_MCP_URL"
