/** Ingest over HTTP, from raw sockets: whatever comes, each connection is answered in the documented way or closed, and others are served. */
import { connect } from 'node:net';
import { errorCodes } from '@headwater/errors';
import { startHarness } from '../../../services/ingest/src/testing/harness.ts';
import { Finding, type OpenTarget, type Target } from '../target.ts';
import { connectionBytes } from './http-requests.ts';
import { seedPictures } from './pictures.ts';

const answerWithinMs = 8_000;
/** A request that says it waits for a prediction gets none here. */
const waitingMs = 200;
const healthEvery = 100;

/** Half-closes behind the last byte, and resolves to what came back when the other side closes. */
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
    socket.on('data', (chunk) => received.push(chunk));
    // A server that refuses a body may close before it has read it.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(received));
    });
  });
}

/** The status of the first final answer, which must be whole. */
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
    if (Number(status) >= 400) judgeProblem(Number(status), lines, rest);
    return status;
  }
}

/** Only the length tells where the document ends: other answers may come behind it. */
function judgeProblem(status: number, lines: readonly string[], rest: Buffer): void {
  const header = (name: string) =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  const length = Number(header('content-length') ?? rest.length);
  // Schemas are served in the form of a registry, and so are its errors.
  if (status === 404 && header('content-type')?.startsWith('application/vnd.schemaregistry')) return;
  if (!header('content-type')?.startsWith('application/problem+json'))
    throw new Finding(`${status} without a problem document`);
  if (rest.length === 0 || rest.subarray(0, 5).equals(Buffer.from('HTTP/'))) return; // HEAD
  const problem = JSON.parse(rest.subarray(0, length).toString('utf8')) as { code?: string; status?: number };
  if (problem.status !== status || !(problem.code !== undefined && problem.code in errorCodes)) {
    throw new Finding(`a problem document of ${status} says ${problem.status}, ${problem.code}`);
  }
  if (status === 503 && header('retry-after') === undefined) throw new Finding('503 without Retry-After');
}

async function openHttp(): Promise<OpenTarget> {
  const pictures = (await seedPictures()).slice(0, 8);
  const harness = await startHarness({
    environment: {
      BODY_TIMEOUT: '500ms',
      MAX_IMAGE_BYTES: '65536',
      MAX_FORM_BYTES: '262144',
      // The log is in this process as well, and what it keeps is not what is looked for.
      RETENTION_IMAGES: '1s',
      RETENTION_LABELS: '1s',
      TRACKED_IMAGES: '100',
    },
  });
  const port = Number(new URL(harness.url).port);
  const health = `PUT /v1/images/healthy/labels/digit HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{"label":"7"}`;
  let cases = 0;
  return {
    generate: (random) => connectionBytes(random, pictures),
    async run(input) {
      const outcome = judgeAnswer(await exchange(port, input));
      cases += 1;
      if (cases % healthEvery === 0) {
        const answer = judgeAnswer(await exchange(port, Buffer.from(health)));
        if (answer !== '202') throw new Finding(`a request without fault is answered ${answer} afterwards`);
      }
      return outcome;
    },
    close: () => harness.stop(),
  };
}

export const httpTarget: Target = {
  name: 'http',
  documented: new Set([
    'closed',
    '200',
    '202',
    '204',
    '400',
    '401',
    '403',
    '404',
    '405',
    '408',
    '413',
    '414',
    '415',
    '417',
    '421',
    '422',
    '431',
    '503',
  ]),
  timeoutMs: 20_000,
  memoryBytes: 640 * 1024 * 1024,
  open: openHttp,
};
