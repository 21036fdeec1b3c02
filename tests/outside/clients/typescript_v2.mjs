// The TypeScript client 2.x:  node typescript_v2.mjs URL MODE CALLS WRONG  (token in ZAVA_TOKEN)
// MODE: auto, legacy, or a revision to pin.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { report } from "./report.mjs";

const [url, mode, calls, wrong] = process.argv.slice(2);
const transport = new StreamableHTTPClientTransport(new URL(url), {
  requestInit: { headers: { Authorization: `Bearer ${process.env.ZAVA_TOKEN}` } },
});
const versionNegotiation = { mode: ["auto", "legacy"].includes(mode) ? mode : { pin: mode } };
const client = new Client({ name: "typescript-v2", version: "1" }, { versionNegotiation });
await client.connect(transport);
await report(client, JSON.parse(calls), client.getNegotiatedProtocolVersion(), JSON.parse(wrong));
