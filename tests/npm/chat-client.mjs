// The chat of the AI SDK, as useChat has it, against the Api. Arguments: the Api's address, the question, the transport's body as JSON, and "leave"
// to go away at the first word and to resume in a new chat. Writes one line of JSON.
import { AbstractChat, DefaultChatTransport } from 'ai';

const [api, question, body, leave] = process.argv.slice(2);

class State {
  status = 'ready';
  error = undefined;
  messages = [];
  onChange = () => {};
  pushMessage = message => { this.messages = [...this.messages, message]; this.onChange(); };
  popMessage = () => { this.messages = this.messages.slice(0, -1); };
  replaceMessage = (index, message) => { this.messages = this.messages.with(index, structuredClone(message)); this.onChange(); };
  snapshot = value => structuredClone(value);
}

class Chat extends AbstractChat {
  constructor(id, state, answers, errors) {
    super({
      id,
      state,
      onError: error => errors.push(error.message),
      transport: new DefaultChatTransport({
        api: `${api}/api/v1/chat`,
        body: JSON.parse(body),
        fetch: async (address, init) => {
          const response = await fetch(address, init);
          answers.push(`${init.method} ${response.status}`);
          console.log(answers.at(-1));
          return response;
        },
      }),
    });
  }
}

const id = crypto.randomUUID();
const answers = [];
const errors = [];
const state = new State();
const chat = new Chat(id, state, answers, errors);
const asking = chat.sendMessage({ text: question });
if (leave) {
  await new Promise(resolve => { state.onChange = () => state.messages.at(-1).parts.some(part => part.type === 'text' && state.messages.at(-1).role === 'assistant') && resolve(); });
  await chat.stop();
}
await asking;

const again = new State();
again.messages = leave ? state.messages.slice(0, 1) : state.messages;
await new Chat(id, again, answers, errors).resumeStream();
// The run has ended by now: there is nothing to resume.
const before = JSON.stringify(again.messages);
await new Chat(id, again, answers, errors).resumeStream();
console.log(JSON.stringify({ answers, errors, unchanged: JSON.stringify(again.messages) === before, message: again.messages.at(-1) }));
