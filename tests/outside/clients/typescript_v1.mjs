// The TypeScript SDK 1.x:  node typescript_v1.mjs URL MODE CALLS WRONG  (token in ZAVA_TOKEN)
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { report } from "./report.mjs";

const [url, , calls, wrong] = process.argv.slice(2);
const transport = new StreamableHTTPClientTransport(new URL(url), {
  requestInit: { headers: { Authorization: `Bearer ${process.env.ZAVA_TOKEN}` } },
});
const client = new Client({ name: "typescript-v1", version: "1" });
await client.connect(transport);
await report(client, JSON.parse(calls), transport.protocolVersion, JSON.parse(wrong));
