// Lists tools, calls each, makes calls that fail, reads a resource through a connected client; prints
// JSON. An exception counts as no answer: a model would not see the error's text.
export async function report(client, calls, protocol, wrong) {
  const { tools } = await client.listTools();
  const called = [];
  const texts = {};
  for (const [name, given] of Object.entries(calls)) {
    const answer = await client.callTool({ name, arguments: given });
    if (!answer.isError) called.push(name);
    texts[name] = answer.content[0].text;
  }
  const errors = {};
  for (const [name, given] of Object.entries(wrong)) {
    try {
      const answer = await client.callTool({ name, arguments: given });
      errors[name] = answer.isError ? answer.content[0].text : "no error";
    } catch (error) {
      errors[name] = `thrown: ${error.message}`;
    }
  }
  const read = await client.readResource({ uri: "retail://tables/orders" });
  const resource = read.contents[0].text;
  console.log(JSON.stringify({ protocol, tools: tools.map((tool) => tool.name), called, texts, errors, resource }));
  await client.close();
}
