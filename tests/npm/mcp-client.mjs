// A client of the official SDK against one server. Arguments: http, sse or stdio, then the URL or the command with its arguments.
// Writes what it saw as one line of JSON.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [kind, target, ...args] = process.argv.slice(2);
const transports = {
  http: () => new StreamableHTTPClientTransport(new URL(target)),
  sse: () => new SSEClientTransport(new URL(target)),
  stdio: () => new StdioClientTransport({ command: target, args, env: process.env, stderr: 'ignore' }),
};

const client = new Client({ name: 'npm-client', version: '1.0.0' });
const errors = [];
client.onerror = error => errors.push(String(error));
const transport = transports[kind]();
await client.connect(transport);
const { tools } = await client.listTools();
const text = async (name, args, options) => (await client.callTool({ name, arguments: args }, undefined, options)).content[0].text;
const echo = await text('echo', { text: 'héllo "wörld"' });
const steps = [];
// With a pause: progress that comes in one piece with the answer is dropped by the SDK.
await text('progress', { steps: 3, ms: 50 }, { onprogress: ({ progress }) => steps.push(progress) });
await text('add_to_counter', { amount: 2 });
const counter = await text('add_to_counter', { amount: 3 });
const large = (await text('large', { bytes: 100000 })).length;
await client.ping();
if (kind === 'http') await transport.terminateSession();
await client.close();
console.log(JSON.stringify({ server: client.getServerVersion().name, tools: tools.map(tool => tool.name), echo, steps, counter, large, errors }));
