// The page of a host: one app in a sandboxed frame, on the official half of MCP Apps.
// The harness bundles it; `askServer` is the harness's way to the server.

import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

// What the specification has a host set for an app that names no domains of its own.
const POLICY = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'none'";

window.saved = [];

/** Show an app with a tool's arguments and result, as a host does after the model's call. */
window.showApp = async (html, { given, result, theme, canAsk = true }) => {
  document.querySelector("iframe")?.remove();
  const frame = document.createElement("iframe");
  frame.title = "App";
  frame.setAttribute("sandbox", "allow-scripts");
  document.body.append(frame);
  const bridge = new AppBridge(null, { name: "tests", version: "1" }, { downloadFile: {}, ...(canAsk ? { serverTools: {} } : {}) }, { hostContext: { theme } });
  bridge.oncalltool = (params) => window.askServer(params.name, params.arguments);
  bridge.ondownloadfile = async ({ contents }) => { window.saved.push(contents[0].resource.text); return {}; };
  bridge.onsizechange = ({ height }) => { frame.style.height = `${height}px`; };
  const ready = new Promise((resolve) => { bridge.oninitialized = resolve; });
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = html.replace('<meta charset="utf-8">', `<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">`);
  await ready;
  await bridge.sendToolInput({ arguments: given });
  await bridge.sendToolResult(result);
  window.bridge = bridge;
};
