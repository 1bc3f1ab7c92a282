// AG-UI's own client against the Api. Arguments: the Api's address, the question, what it forwards as JSON. Writes one line of JSON.
import { HttpAgent } from '@ag-ui/client';

const [api, question, forwardedProps] = process.argv.slice(2);
const warnings = [];
console.warn = console.error = (...words) => warnings.push(words.map(String).join(' '));
const agent = new HttpAgent({ url: `${api}/api/v1/ag-ui`, threadId: crypto.randomUUID() });
const runId = crypto.randomUUID();
const runs = [];
const errors = [];
let outcome;
agent.addMessage({ id: 'question', role: 'user', content: question });
try {
  await agent.runAgent({ runId, forwardedProps: JSON.parse(forwardedProps), context: [{ description: 'editor', value: 'open at src/Orders.cs' }] }, {
    onRunStartedEvent: ({ event }) => { runs.push(event.runId === runId && event.threadId === agent.threadId); },
    onRunFinishedEvent: params => { outcome = params.outcome; },
    onRunErrorEvent: ({ event }) => { outcome = `error ${event.code}: ${event.message}`; },
    onRunFailed: ({ error }) => { errors.push(error.message); },
  });
} catch (error) {
  errors.push(error.message);
}
console.log(JSON.stringify({ runs, outcome, errors, warnings, messages: agent.messages, state: agent.state }));
