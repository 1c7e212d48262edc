/** Floor of P7: `node:http` and nothing else, from the first line to the first answer: `bare-start.ts PORT`. */

import { createServer } from 'node:http';

createServer((_request, response) => {
  response.end('ok');
}).listen(Number(process.argv[2]), '127.0.0.1');
