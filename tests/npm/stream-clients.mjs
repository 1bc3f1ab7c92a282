// The clients of the AI SDK and of AG-UI read the events of a run that ended, whole and resumed after every id. Arguments: the Api's address, the run's id.
// Writes one line of JSON: what each client made of the run, and under "problems" all that is not as our own format tells it.
import { HttpAgent } from '@ag-ui/client';
import { DefaultChatTransport, readUIMessageStream } from 'ai';

const [api, runId] = process.argv.slice(2);
const url = `${api}/api/v1/runs/${runId}/events`;
const problems = [];
const warnings = [];
console.warn = console.error = (...words) => warnings.push(words.map(String).join(' '));

// What is sent, without the comments that depend on time.
async function text(format, after) {
  const response = await fetch(`${url}?format=${format}`, { headers: after ? { 'Last-Event-ID': after } : {} });
  return (await response.text()).replaceAll(': ping\n\n', '');
}

const framesOf = stream => stream.split(/(?<=\n\n)/);
const idOf = frame => /^id: (.+)$/m.exec(frame)[1];
const dataOf = frame => /^data: (.+)$/m.exec(frame)[1];
const replay = stream => async () => new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
const same = (what, seen, wanted) => {
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) problems.push(`${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`);
};
const byAgent = pieces => pieces.reduce((all, [agent, piece]) => ({ ...all, [agent]: (all[agent] ?? '') + piece }), {});
const sorted = object => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

// What a tool was given is the model's: there null may stand.
const hasNull = value => value === null || (typeof value === 'object' && Object.entries(value).some(([name, member]) => name !== 'input' && name !== 'arguments' && hasNull(member)));

async function readChat(fetch) {
  const errors = [];
  let message;
  const stream = await new DefaultChatTransport({ api: url, fetch }).reconnectToStream({ chatId: 'chat' });
  for await (const step of readUIMessageStream({ stream, onError: error => errors.push(error.message) })) message = step;
  return { message, errors };
}

async function readAgent(fetch) {
  const types = [];
  const errors = [];
  let outcome;
  const agent = new HttpAgent({ url, fetch });
  try {
    await agent.runAgent({}, {
      onEvent: ({ event }) => { types.push(event.type); },
      onRunFinishedEvent: params => { outcome = params.outcome; },
      onRunErrorEvent: ({ event }) => { outcome = `error ${event.code}: ${event.message}`; },
      onRunFailed: ({ error }) => { errors.push(error.message); },
    });
  } catch (error) {
    if (!errors.includes(error.message)) errors.push(error.message);
  }
  return { messages: agent.messages, state: agent.state, outcome, types, errors };
}

const native = framesOf(await text('native')).map(dataOf).map(JSON.parse);
const said = sorted(byAgent(native.filter(e => e.type === 'text.delta').map(e => [e.agent, e.data.text])));
const calls = native.filter(e => e.type === 'tool.call').length;
const approvals = Object.fromEntries(native.filter(e => e.type === 'approval').map(e => [e.data.id, e.data.state]));
const end = native.at(-1);
const failed = ['failed', 'timed_out'].includes(end.data.state);

const streams = { chat: await text('ui-message-stream'), agent: await text('ag-ui') };
const readers = { chat: readChat, agent: readAgent };
const chat = await readChat((_, init) => fetch(`${url}?format=ui-message-stream`, init));
const agent = await readAgent((_, init) => fetch(`${url}?format=ag-ui`, { signal: init.signal, headers: init.headers }));

const parts = chat.message?.parts ?? [];
same('chat id', chat.message?.id, runId);
same('chat errors', chat.errors, failed ? [end.data.error] : []);
same('chat texts', sorted(byAgent(parts.filter(p => p.type === 'text').map(p => [p.providerMetadata.agents.agent, p.text]))), said);
same('chat texts left open', parts.filter(p => p.type === 'text' && p.state !== 'done').length, 0);
same('chat calls', parts.filter(p => p.type === 'dynamic-tool').length, calls + Object.values(approvals).filter(state => state !== 'approved').length);
same('chat calls left open', parts.filter(p => p.type === 'dynamic-tool' && !['output-available', 'output-error', 'output-denied'].includes(p.state)).length, 0);
same('chat run', parts.find(p => p.type === 'data-run')?.data.state, end.data.state);

const outcomes = { completed: 'success', completed_partial: 'success', cancelled: 'cancelled' };
same('agent errors', agent.errors, []);
same('agent outcome', agent.outcome, failed ? `error ${end.data.state}: ${end.data.error}` : outcomes[end.data.state]);
same('agent texts', sorted(byAgent(agent.messages.filter(m => m.role === 'assistant' && m.name).map(m => [m.name, m.content]))), said);
same('agent calls', agent.messages.flatMap(m => m.toolCalls ?? []).length, calls);
same('agent results', agent.messages.filter(m => m.role === 'tool').length, calls);
same('agent state', agent.state?.run?.state, end.data.state);
for (const [name, state] of Object.entries(agent.state?.agents ?? {}))
  same(`agent state of ${name}`, state.state, native.filter(e => e.type === 'agent.state' && e.agent === name).at(-1).data.state);

let resumed = 0;
for (const [kind, format] of [['chat', 'ui-message-stream'], ['agent', 'ag-ui']]) {
  const whole = JSON.stringify(await readers[kind](replay(streams[kind])));
  const frames = framesOf(streams[kind]);
  for (let heard = 1; heard < frames.length; heard++) {
    const rest = await text(format, idOf(frames[heard - 1]));
    if (rest !== frames.slice(heard).join('')) problems.push(`${format} after ${idOf(frames[heard - 1])}: ${rest.slice(0, 300)}`);
    const spliced = frames.slice(0, heard).join('') + rest;
    if (spliced !== streams[kind] || heard % 10 === 0) same(`${kind} resumed after ${idOf(frames[heard - 1])}`, JSON.stringify(await readers[kind](replay(spliced))), whole);
    resumed++;
  }
  const nulls = frames.map(dataOf).filter(data => data !== '[DONE]' && hasNull(JSON.parse(data)));
  if (nulls.length) problems.push(`${format} has a null: ${nulls[0]}`);
}

problems.push(...warnings);
console.log(JSON.stringify({ problems, resumed, chat, agent }));
