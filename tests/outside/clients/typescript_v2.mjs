// The TypeScript client 2.x:  node typescript_v2.mjs URL MODE CALLS WRONG  (token in ZAVA_TOKEN, else
// it signs in through the program of BROWSER)
// MODE: auto, legacy, or a revision to pin.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { report } from "./report.mjs";
import { connect } from "./signing_in.mjs";

const [url, mode, calls, wrong] = process.argv.slice(2);
const versionNegotiation = { mode: ["auto", "legacy"].includes(mode) ? mode : { pin: mode } };
const { client } = await connect(
  (options) => new StreamableHTTPClientTransport(new URL(url), options),
  () => new Client({ name: "typescript-v2", version: "1" }, { versionNegotiation }),
  (opened, answer) => opened.finishAuth(answer),
);
await report(client, JSON.parse(calls), client.getNegotiatedProtocolVersion(), JSON.parse(wrong));
