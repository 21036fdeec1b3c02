# Lets the deployer's own address through the firewall of the database, unless one is named.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

if ($env:ZAVA_USE_PRIVATE_NETWORK -eq 'true' -or $env:ZAVA_DEPLOYER_IP) {
  exit 0
}
$address = Invoke-RestMethod -Uri 'https://api.ipify.org' -TimeoutSec 20
azd env set ZAVA_DEPLOYER_IP $address
