// A client of the official SDK that listens. Arguments: http or sse, then the URL. Writes "ready" when it has listed the tools and
// its stream stands; lists them again when it is told that they changed, and writes what it saw as one line of JSON.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const [kind, target] = process.argv.slice(2);
const errors = [];
let listening = () => {};
const stands = kind === 'sse' ? Promise.resolve() : new Promise(resolve => { listening = resolve; });
const recorded = async (address, init) => {
  const response = await fetch(address, init);
  if ((init?.method ?? 'GET') === 'GET' && response.ok) listening();
  return response;
};
const transport = kind === 'sse'
  ? new SSEClientTransport(new URL(target))
  : new StreamableHTTPClientTransport(new URL(target), { fetch: recorded });
const client = new Client({ name: 'listening-client', version: '1' });
client.onerror = error => errors.push(String(error));
const told = new Promise(resolve => client.setNotificationHandler(ToolListChangedNotificationSchema, resolve));
await client.connect(transport);
const before = (await client.listTools()).tools.length;
await stands;
console.log('ready');
await told;
const after = (await client.listTools()).tools.length;
const capability = client.getServerCapabilities().tools;
if (kind === 'http') await transport.terminateSession();
await client.close();
console.log(JSON.stringify({ before, after, capability, errors }));
