// A client that signs in through a browser: registration, its own callback, the token.

import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";

const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** Register a client at the server and listen for the browser on a port of its own. */
export async function startClient(base, name) {
  let arrive;
  const arrived = new Promise((resolve) => { arrive = resolve; });
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end("<!doctype html><title>Client</title><link rel=icon href=data:,><p>Back at the client.");
    if (request.url.startsWith("/callback")) arrive(Object.fromEntries(new URL(request.url, "http://127.0.0.1").searchParams));
  });
  await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const redirect = `http://127.0.0.1:${server.address().port}/callback`;
  const metadata = await (await fetch(`${base}/.well-known/oauth-authorization-server`)).json();
  const registered = await (await fetch(metadata.registration_endpoint, {
    method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_name: name, redirect_uris: [redirect] }),
  })).json();
  const verifier = randomBytes(32).toString("base64url");
  const asked = {
    response_type: "code", client_id: registered.client_id, redirect_uri: redirect, resource: `${base}/mcp`, state: "state",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256",
  };
  return {
    arrived,
    close: () => { server.close(); server.closeAllConnections(); },
    url: (changed = {}) => `${metadata.authorization_endpoint}?${new URLSearchParams({ ...asked, ...changed })}`,
    async token(code) {
      const body = new URLSearchParams({
        grant_type: "authorization_code", code, redirect_uri: redirect, client_id: registered.client_id, code_verifier: verifier,
      });
      return (await fetch(metadata.token_endpoint, { method: "POST", headers: FORM, body })).json();
    },
  };
}
