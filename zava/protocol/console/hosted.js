// Signing in at a deployment: the page is a client of the server's own sign-in, for this tab alone.

const KEPT = "zava-sign-in"; // what proves that this tab began the sign-in; no token
const REDIRECT = "/console/signed-in";

const encoded = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const drawn = () => encoded(crypto.getRandomValues(new Uint8Array(32)));

async function token(form) {
  const answer = await fetch("/oauth/token", { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(form) });
  const body = await answer.json();
  if (!answer.ok) throw { code: "Not signed in", message: body.error_description ?? body.error ?? "The sign-in failed." };
  return { token: body.access_token, seconds: body.expires_in, refresh: body.refresh_token };
}

/** Leave for the page on which the person proves who they are; it returns to this tab. */
export async function beginSignIn() {
  const redirect = `${location.origin}${REDIRECT}`, verifier = drawn(), state = drawn();
  const registered = await fetch("/oauth/register", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ client_name: "Zava console", redirect_uris: [redirect] }) });
  const body = await registered.json();
  if (!registered.ok) throw { code: "Not signed in", message: body.error_description ?? "The console is no client of this server." };
  sessionStorage.setItem(KEPT, JSON.stringify({ verifier, state, client: body.client_id, address: location.pathname + location.search, state_of_address: history.state }));
  const challenge = encoded(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  location.assign(`/oauth/authorize?${new URLSearchParams({ response_type: "code", client_id: body.client_id, redirect_uri: redirect, code_challenge: challenge, code_challenge_method: "S256", state, resource: `${location.origin}/mcp` })}`);
}

/** Return how to get tokens, where the address is the answer to this tab's sign-in; else null. */
export async function endSignIn() {
  if (location.pathname !== REDIRECT) return null;
  const answer = new URLSearchParams(location.search), begun = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  const address = begun?.address.startsWith("/console") ? begun.address : "/console";
  history.replaceState(begun?.state_of_address ?? null, "", address);
  if (!begun || answer.get("state") !== begun.state || answer.get("iss") !== location.origin) throw { code: "Not signed in", message: "This answer belongs to no sign-in of this tab." };
  if (answer.get("error")) throw { code: "Not signed in", message: "The sign-in was ended." };
  const own = { client_id: begun.client, resource: `${location.origin}/mcp` };
  let latest = await token({ grant_type: "authorization_code", code: answer.get("code"), redirect_uri: `${location.origin}${REDIRECT}`, code_verifier: begun.verifier, ...own });
  let isFresh = true;
  return async () => {
    if (!isFresh) latest = await token({ grant_type: "refresh_token", refresh_token: latest.refresh, ...own });
    isFresh = false;
    return latest;
  };
}
