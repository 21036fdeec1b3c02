// Lists tools, calls each, reads a resource through a connected client; says so as JSON.
export async function report(client, calls, protocol) {
  const { tools } = await client.listTools();
  const called = [];
  for (const [name, given] of Object.entries(calls)) {
    const answer = await client.callTool({ name, arguments: given });
    if (!answer.isError) called.push(name);
  }
  const read = await client.readResource({ uri: "retail://tables/orders" });
  const resource = read.contents[0].text;
  console.log(JSON.stringify({ protocol, tools: tools.map((tool) => tool.name), called, resource }));
  await client.close();
}
