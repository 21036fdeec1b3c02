// A provider of OpenID Connect that others wrote and certified: `oidc-provider`, with one client.
//
//   node oidc_provider.mjs PORT REDIRECT CLIENT_ID CLIENT_SECRET METHOD

import Provider from "oidc-provider";

const [port, redirect, id, secret, method] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: id, client_secret: secret, redirect_uris: [redirect], response_types: ["code"],
    grant_types: ["authorization_code"], token_endpoint_auth_method: method,
  }],
  claims: { openid: ["sub"], profile: ["name"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  // Its own pages for a login and a consent, for which any name and password do.
  features: { devInteractions: { enabled: true } },
  findAccount: async (_context, sub) => ({ accountId: sub, claims: async () => ({ sub, name: `Person ${sub}` }) }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
