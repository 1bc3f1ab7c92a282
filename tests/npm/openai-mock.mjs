// Serves the OpenAI wire with aimock on a free port. Argument: its fixtures as JSON. Writes its address when it is ready.
import { LLMock } from '@copilotkit/aimock';

const mock = new LLMock({ port: 0 });
mock.addFixturesFromJSON(process.argv[2]);
await mock.start();
console.log(mock.url);

process.on('SIGTERM', async () => {
  await mock.stop();
  process.exit(0);
});
