// The TypeScript SDK 1.x:  node typescript_v1.mjs URL MODE CALLS WRONG  (token in ZAVA_TOKEN, else it
// signs in through the program of BROWSER)
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { report } from "./report.mjs";
import { connect } from "./signing_in.mjs";

const [url, , calls, wrong] = process.argv.slice(2);
const { client, transport } = await connect(
  (options) => new StreamableHTTPClientTransport(new URL(url), options),
  () => new Client({ name: "typescript-v1", version: "1" }),
  (opened, answer) => opened.finishAuth(answer.get("code")),
);
await report(client, JSON.parse(calls), transport.protocolVersion, JSON.parse(wrong));
