// An MCP server on standard input and output that does as little as one can: one tool `echo`, revision 2025-11-25.
import { createInterface } from 'node:readline';

const tools = [{ name: 'echo', description: 'Says it again.', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } }];

function outcome({ method, params }) {
  switch (method) {
    case 'initialize': return { result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'echo', version: '1' } } };
    case 'ping': return { result: {} };
    case 'tools/list': return { result: { tools } };
    case 'tools/call': return { result: { content: [{ type: 'text', text: params.arguments.text }] } };
    default: return { error: { code: -32601, message: 'There is no such method.' } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.length === 0) continue;
  const message = JSON.parse(line);
  if (message.id === undefined) continue;
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...outcome(message) })}\n`);
}
