// How a TypeScript client signs in: a listener for the answer, and the browser of BROWSER.
import { spawn } from "node:child_process";
import { createServer } from "node:http";

/** Return what connects with a token of the environment, else by signing in. */
export async function connect(makeTransport, makeClient, finish) {
  const token = process.env.ZAVA_TOKEN;
  if (token) {
    const transport = makeTransport({ requestInit: { headers: { Authorization: `Bearer ${token}` } } });
    const client = makeClient();
    await client.connect(transport);
    return { client, transport };
  }
  let arrive;
  const arrived = new Promise((resolve) => { arrive = resolve; });
  const listener = createServer((request, response) => {
    response.end("ok");
    arrive(new URL(request.url, "http://127.0.0.1").searchParams);
  });
  await new Promise((resolve) => { listener.listen(0, "127.0.0.1", resolve); });
  const kept = {};
  const redirectUrl = `http://127.0.0.1:${listener.address().port}/callback`;
  const authProvider = {
    redirectUrl,
    clientMetadata: {
      client_name: "TypeScript", redirect_uris: [redirectUrl], token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"], response_types: ["code"],
    },
    clientInformation: () => kept.client,
    saveClientInformation: (client) => { kept.client = client; },
    tokens: () => kept.tokens,
    saveTokens: (tokens) => { kept.tokens = tokens; },
    codeVerifier: () => kept.verifier,
    saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
    redirectToAuthorization: (url) => { spawn(process.env.BROWSER, [String(url)], { stdio: "ignore" }); },
  };
  const first = makeTransport({ authProvider });
  try {
    await makeClient().connect(first);
    throw new Error("the server let a client in that had not signed in");
  } catch (error) {
    if (error.constructor.name !== "UnauthorizedError") throw error;
  }
  const told = await arrived;
  await finish(first, told);
  listener.close();
  listener.closeAllConnections();
  const transport = makeTransport({ authProvider });
  const client = makeClient();
  await client.connect(transport);
  return { client, transport };
}
