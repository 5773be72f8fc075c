/** One connection to an HTTP interface, and the requirements on every response. */
import { connect } from 'node:net';
import { errorCodes } from '@headwater/errors';
import { Finding } from '../target.ts';

const answerWithinMs = 8_000;
/** A request that waits for a prediction gets none here. */
const waitingMs = 200;
/** Over all responses of one connection. */
const mostBytes = 2 * 1024 * 1024;

/**
 * Sends the bytes of one connection, and resolves to the status of the first final response, from 500 on with
 * its code (`503 overloaded`), or to `closed`. Errors: Finding, where no response ends in time, or one is
 * malformed, endless, or an error without its documented form.
 */
export async function ask(port: number, bytes: Uint8Array): Promise<string> {
  return judgeAnswer(await exchange(port, bytes));
}

/** Half-closes behind the last byte, and resolves to the received bytes when the other side closes. */
function exchange(port: number, bytes: Uint8Array): Promise<Buffer> {
  const waits = Buffer.from(bytes).includes('wait=');
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.end(bytes));
    const timer = setTimeout(
      () => {
        socket.destroy();
        if (waits) resolve(Buffer.concat(received));
        else reject(new Finding(`the connection was not closed within ${answerWithinMs} ms`));
      },
      waits ? waitingMs : answerWithinMs,
    );
    let length = 0;
    socket.on('data', (chunk) => {
      received.push(chunk);
      length += chunk.length;
      if (length <= mostBytes) return;
      socket.destroy();
      reject(new Finding(`an answer of more than ${mostBytes} bytes`));
    });
    // A server that rejects a body may close before it has read it.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(received));
    });
  });
}

function judgeAnswer(answer: Buffer): string {
  let rest = answer;
  for (;;) {
    if (rest.length === 0) return 'closed';
    const end = rest.indexOf('\r\n\r\n');
    const [line = '', ...lines] = rest
      .subarray(0, end < 0 ? rest.length : end)
      .toString('latin1')
      .split('\r\n');
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(line) ?? [];
    if (status === undefined || end < 0) throw new Finding(`not an answer: ${line.slice(0, 100)}`);
    rest = rest.subarray(end + 4);
    if (status === '100') continue;
    const code = Number(status) < 400 ? undefined : judgeProblem(Number(status), lines, rest);
    return Number(status) >= 500 && code !== undefined ? `${status} ${code}` : status;
  }
}

/** The code of the problem details, if any. Only the length shows their end: other responses may follow. */
function judgeProblem(status: number, lines: readonly string[], rest: Buffer): string | undefined {
  const header = (name: string) =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  const length = Number(header('content-length') ?? rest.length);
  // Schemas have the media type of a registry, and so have their errors.
  if (status === 404 && header('content-type')?.startsWith('application/vnd.schemaregistry'))
    return undefined;
  if (!header('content-type')?.startsWith('application/problem+json'))
    throw new Finding(`${status} without a problem document`);
  if (rest.length === 0 || rest.subarray(0, 5).equals(Buffer.from('HTTP/'))) return undefined; // HEAD
  const problem = JSON.parse(rest.subarray(0, length).toString('utf8')) as { code?: string; status?: number };
  if (problem.status !== status || !(problem.code !== undefined && problem.code in errorCodes)) {
    throw new Finding(`a problem document of ${status} says ${problem.status}, ${problem.code}`);
  }
  if (status === 503 && header('retry-after') === undefined) throw new Finding('503 without Retry-After');
  return problem.code;
}
