#!/bin/sh
# Bundles the console's editor from npm and pins it: zava/protocol/console/codemirror.js and .json.
#
#   PATH=.venv/bin:$PATH sh scripts/editor/bundle.sh
set -eu
cd "$(dirname "$0")"
target=../../zava/protocol/console
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
node_modules/.bin/esbuild entry.js --bundle --minify --format=esm --target=es2022 --legal-comments=none --outfile="$target/codemirror.js"
cp node_modules/@codemirror/view/LICENSE "$target/codemirror.LICENSE"
node --input-type=module - "$target" <<'PINNED'
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
const target = process.argv[2], { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
const bundled = Object.entries(packages).filter(([path]) => path && !path.includes("esbuild")).map(([path, { version }]) => [path.replace("node_modules/", ""), version]);
const pinned = { what: "CodeMirror 6, bundled by scripts/editor/bundle.sh", licence: "MIT, codemirror.LICENSE", packages: Object.fromEntries(bundled), sha256: createHash("sha256").update(readFileSync(`${target}/codemirror.js`)).digest("hex") };
writeFileSync(`${target}/codemirror.json`, `${JSON.stringify(pinned, null, 1)}\n`);
PINNED
