// An MCP client over Streamable HTTP, of the stateless era: one request, one answer.

const VERSION = "2026-07-28";
const META = {
  "io.modelcontextprotocol/protocolVersion": VERSION,
  "io.modelcontextprotocol/clientInfo": { name: "zava-console", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** Return a token for one of the listed people; this origin's own page alone is given one. */
export async function signIn(person) {
  const answer = await fetch("/console/sign-in", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ person }),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body;
}

/** Return the people whom this page may sign in, and what is said below them. */
export async function whoMayEnter() {
  const { people, signs_in: isHosted } = await fetch("/console/people.json").then((answer) => answer.json());
  if (isHosted) return { people, isHosted, note: "The directory of your organization proves who you are. The token stays in this tab.", served: "" };
  return { people, isHosted, note: "People who are granted access, signed in by this machine’s own issuer. The page is served to this machine alone.", served: "Served from this machine, to this machine" };
}

export class Client {
  #person;
  #token = null;
  #last = 0;

  #signIn;

  /** `signIn` returns a token: of a listed person, or of the directory's sign-in. */
  constructor(person, signInAs = signIn) {
    this.#person = person;
    this.#signIn = signInAs;
  }

  /** The token lives here and nowhere else; a fresh one is asked for when the server wants it. */
  async token() {
    this.#token ??= await this.#signIn(this.#person);
    return this.#token;
  }

  async request(method, params = {}) {
    let answer = await this.#post(method, params);
    if (answer.status === 401) {
      this.#token = null;
      answer = await this.#post(method, params);
    }
    const body = await answer.json();
    if (body.error?.data?.code) throw body.error.data;
    if (body.error) throw { message: body.error.message ?? body.error_description ?? body.error };
    return body.result;
  }

  call(name, given) {
    return this.request("tools/call", { name, arguments: given });
  }

  /** Send JSON to a part of the console that only it has, for the same person. */
  async post(path, content, signal) {
    const send = async () => {
      const { token } = await this.token();
      return fetch(path, { method: "POST", signal, headers: { "content-type": "application/json", authorization: `Bearer ${token}` }, body: JSON.stringify(content) });
    };
    const answer = await send();
    if (answer.status !== 401) return answer;
    this.#token = null;
    return send();
  }

  async #post(method, params) {
    const { token } = await this.token();
    const name = params.name ?? params.uri;
    try {
      return await fetch("/mcp", {
        method: "POST",
        headers: {
          "content-type": "application/json", accept: "application/json, text/event-stream",
          "mcp-protocol-version": VERSION, "mcp-method": method, ...(name ? { "mcp-name": name } : {}),
          authorization: `Bearer ${token}`,
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: ++this.#last, method, params: { ...params, _meta: META } }),
      });
    } catch {
      throw { code: "No answer", message: "The server does not answer.", hint: "See whether it still runs in your terminal." };
    }
  }
}
