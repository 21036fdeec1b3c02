# Prepares the database, as its administrator: login, schema, context keys, first grant, proof.
# Every step finds what is done and leaves it. The outputs of main.bicep are the settings here.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

if ($env:ZAVA_PREPARE_DATABASE -and $env:ZAVA_PREPARE_DATABASE -ne 'true') {
  Write-Host 'The database is left as it is (ZAVA_PREPARE_DATABASE); see docs/deploy.md.'
  exit 0
}
$found = [version](python -c 'import platform; print(platform.python_version())')
if ($found -lt [version]'3.11') {
  throw 'Preparing the database needs Python 3.11 or newer as python.'
}
$python = '.azure/.venv/Scripts/python.exe'
if (-not (Test-Path $python)) {
  python -m venv .azure/.venv
}
& $python -m pip install --quiet --disable-pip-version-check -r requirements-deploy.txt

function zava {
  & $python -m zava @args
}

zava migrate --server-identity "$env:ZAVA_SERVER_OBJECT_ID"
if ($env:ZAVA_SEED -eq 'true') {
  zava seed
}
zava grant --as deployer --tenant "$env:AZURE_TENANT_ID" --object "$env:AZURE_PRINCIPAL_ID" --audience head_office
if ($env:AZURE_OPENAI_ENDPOINT) {
  zava embed
}
zava verify
