// The official TypeScript client against one URL: connects, lists, calls a tool with progress, leaves. Prints what it saw, HTTP statuses included.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, tool, args] = process.argv.slice(2);
const statuses = [];
const transport = new StreamableHTTPClientTransport(new URL(url), {
  fetch: async (address, init) => {
    const response = await fetch(address, init);
    statuses.push(`${init?.method ?? 'GET'} ${response.status}`);
    return response;
  },
});
const client = new Client({ name: 'sdk-client', version: '1' });
await client.connect(transport);
const { tools } = await client.listTools();
const progress = [];
const result = await client.callTool({ name: tool, arguments: JSON.parse(args) }, undefined, { onprogress: (p) => progress.push(p.progress) });
await transport.terminateSession();
await client.close();
console.log(JSON.stringify({ statuses, tools: tools.map((t) => t.name), progress, result }));
