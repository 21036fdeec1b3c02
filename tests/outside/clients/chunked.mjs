// Has every body of this process be sent in chunks, without a length:
//   node --import ./chunked.mjs PROGRAM …
// It prints at the end how many were.
const fetch = globalThis.fetch;
let count = 0;

globalThis.fetch = (target, options = {}) => {
  if (options.body === undefined || options.body === null) return fetch(target, options);
  count += 1;
  const body = new Response(options.body).body;
  return fetch(target, { ...options, body, duplex: "half" });
};

process.on("exit", () => console.error(`chunked: ${count}`));
