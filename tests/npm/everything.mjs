// Starts server-everything and says on which port it listens, since it does not know itself when it was given port 0.
import { Server } from 'node:net';

const listen = Server.prototype.listen;
Server.prototype.listen = function (...args) {
  this.once('listening', () => console.log(`listening on ${this.address().port}`));
  return listen.apply(this, args);
};

process.env.PORT = '0';
await import(`@modelcontextprotocol/server-everything/dist/transports/${process.argv[2]}.js`);
