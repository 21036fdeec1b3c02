// Prints the tools that the AI SDK sends to each provider, for MCP tools on standard input.
import { readFileSync } from "node:fs";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, tool } from "ai";

const listed = JSON.parse(readFileSync(0, "utf8"));

async function sent(create, model, strict) {
  const tools = Object.fromEntries(
    listed.map(({ name, description, inputSchema }) => [
      name,
      tool({ description, inputSchema: jsonSchema(inputSchema), strict }),
    ]),
  );
  let body;
  const fetch = async (_, request) => {
    body = JSON.parse(request.body);
    throw new Error("Nothing is sent.");
  };
  const provider = create({ apiKey: "none", fetch });
  try {
    await generateText({ model: provider(model), prompt: "Revenue?", tools, maxRetries: 0 });
  } catch (error) {
    if (body === undefined) throw error;
  }
  return body.tools;
}

console.log(
  JSON.stringify({
    gemini: await sent(createGoogleGenerativeAI, "gemini-2.5-flash"),
    openai: await sent(createOpenAI, "gpt-5"),
  }),
);
