// A client of the official SDKs takes a server through what it offers. Arguments: which client (sdk-http, sdk-sse: version 1;
// client-http: version 2, either era), the URL, which server (everything, filesystem, memory), for filesystem a
// folder it may use, and what stands before the names of its tools and prompts.
// Writes one line of JSON: the revision spoken, and for each step null or what went wrong.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const [kind, url, server, folder, prefix = ''] = process.argv.slice(2);
const stepLimit = 5_000;
const posts = [];
const watchedFetch = async (address, init) => {
  const response = await fetch(address, init);
  if (init?.method === 'POST') posts.push(response.status);
  return response;
};

const { client, transport, on } = kind === 'client-http' ? await version2() : await version1();
const logs = listen('notifications/message');
const updates = listen('notifications/resources/updated');
on('sampling/createMessage', () => ({ role: 'assistant', model: 'tour', content: { type: 'text', text: 'Sampled by the tour.' } }));
on('elicitation/create', () => ({ action: 'accept', content: { name: 'Tour' } }));
const refused = await attempt(() => client.connect(transport));
if (refused) {
  console.log(JSON.stringify({ revision: null, steps: { connect: refused } }));
  process.exit(0);
}

const modern = kind === 'client-http' && client.getProtocolEra() === 'modern';

const steps = {
  everything: {
    tools: async () => assert.ok((await client.listTools()).tools.some(tool => tool.name === `${prefix}echo`)),
    call: async () => assert.match(await text('echo', { message: 'héllo "wörld"' }), /héllo "wörld"/),
    progress: async () => {
      const seen = [];
      await call('trigger-long-running-operation', { duration: 0.4, steps: 2 }, { onprogress: ({ progress }) => seen.push(progress) });
      assert.ok(seen.includes(1), `progress ${JSON.stringify(seen)}`);
    },
    resources: async () => {
      assert.ok((await client.listResources()).resources.length > 0);
      assert.ok((await client.listResourceTemplates()).resourceTemplates.length > 0);
      assert.ok((await client.readResource({ uri: 'demo://resource/dynamic/text/1' })).contents[0].text);
    },
    prompts: async () => {
      assert.ok((await client.listPrompts()).prompts.length > 0);
      const prompt = await client.getPrompt({ name: `${prefix}args-prompt`, arguments: { city: 'Bern' } });
      assert.match(prompt.messages[0].content.text, /Bern/);
    },
    complete: async () => {
      const { completion } = await client.complete({ ref: { type: 'ref/prompt', name: `${prefix}completable-prompt` }, argument: { name: 'department', value: 'Eng' } });
      assert.deepEqual(completion.values, ['Engineering']);
    },
    sampling: async () => assert.match(await text('trigger-sampling-request', { prompt: 'Say something' }), /Sampled by the tour\./),
    elicitation: async () => assert.match(await text('trigger-elicitation-request', {}), /Tour/),
    ...(modern
      ? { subscribe: async () => (await client.listen({ resourceSubscriptions: ['demo://resource/dynamic/text/1'] })).close() }
      : {
          log: async () => {
            await client.setLoggingLevel('debug');
            await call('toggle-simulated-logging', {});
            assert.ok((await logs.next).params.level);
          },
          subscribe: async () => {
            await client.subscribeResource({ uri: 'demo://resource/dynamic/text/1' });
            await call('toggle-subscriber-updates', {});
            assert.equal((await updates.next).params.uri, 'demo://resource/dynamic/text/1');
          },
        }),
  },
  filesystem: {
    tools: async () => assert.ok((await client.listTools()).tools.some(tool => tool.name === `${prefix}read_text_file`)),
    call: async () => {
      const path = join(folder, `${kind}-${process.pid}.txt`);
      await text('write_file', { path, content: 'written by the tour' });
      assert.equal(await readFile(path, 'utf8'), 'written by the tour');
      assert.match(await text('read_text_file', { path }), /written by the tour/);
    },
  },
  memory: {
    tools: async () => assert.ok((await client.listTools()).tools.some(tool => tool.name === `${prefix}create_entities`)),
    call: async () => {
      const name = `${kind}-${process.pid}`;
      await call('create_entities', { entities: [{ name, entityType: 'tour', observations: ['seen'] }] });
      assert.match(await text('search_nodes', { query: name }), new RegExp(name));
    },
  },
}[server];

const outcome = {};
for (const [name, step] of Object.entries(steps)) outcome[name] = await attempt(step);
if (transport.terminateSession) outcome.leave = await attempt(() => transport.terminateSession());
await client.close();
outcome.statuses = posts.every(status => status < 400) ? null : `POSTs answered ${posts.join(' ')}`;
console.log(JSON.stringify({ revision: modern ? client.getNegotiatedProtocolVersion() : transport.protocolVersion ?? null, steps: outcome }));
process.exit(0);

async function version1() {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const { SSEClientTransport } = await import('@modelcontextprotocol/sdk/client/sse.js');
  const types = await import('@modelcontextprotocol/sdk/types.js');
  const schemas = {
    'sampling/createMessage': types.CreateMessageRequestSchema,
    'elicitation/create': types.ElicitRequestSchema,
    'notifications/message': types.LoggingMessageNotificationSchema,
    'notifications/resources/updated': types.ResourceUpdatedNotificationSchema,
  };
  const client = new Client({ name: 'peer-tour', version: '1.0.0' }, { capabilities: { sampling: {}, elicitation: {} } });
  const transport = kind === 'sdk-sse' ? new SSEClientTransport(new URL(url)) : new StreamableHTTPClientTransport(new URL(url), { fetch: watchedFetch });
  return { client, transport, on: (method, handler) => (method.startsWith('notifications/') ? client.setNotificationHandler(schemas[method], handler) : client.setRequestHandler(schemas[method], handler)) };
}

async function version2() {
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const client = new Client({ name: 'peer-tour', version: '1.0.0' }, { capabilities: { sampling: {}, elicitation: {} }, versionNegotiation: { mode: 'auto' } });
  const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: watchedFetch });
  return { client, transport, on: (method, handler) => (method.startsWith('notifications/') ? client.setNotificationHandler(method, handler) : client.setRequestHandler(method, handler)) };
}

function listen(method) {
  const heard = {};
  heard.next = new Promise(resolve => on(method, resolve));
  return heard;
}

async function call(name, args, options) {
  // The second parameter of version 1 is a schema.
  return kind === 'client-http' ? client.callTool({ name: prefix + name, arguments: args }, options) : client.callTool({ name: prefix + name, arguments: args }, undefined, options);
}

async function text(name, args) {
  const result = await call(name, args);
  const answer = result.content.map(block => block.text ?? '').join('\n');
  assert.ok(!result.isError, answer);
  return answer;
}

async function attempt(step) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`nothing within ${stepLimit} ms`)), stepLimit); });
  try {
    await Promise.race([step(), late]);
    return null;
  } catch (error) {
    return `${error.message ?? error}`.slice(0, 300);
  } finally {
    clearTimeout(timer);
  }
}
