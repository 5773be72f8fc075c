/**
 * Ingest over HTTP from raw sockets: every connection gets a documented response or is closed, and other
 * clients are served.
 */
import { startIngestFixture } from '../../../services/ingest/src/testing/ingest-fixture.ts';
import { Finding, type OpenTarget, type Target } from '../target.ts';
import { ask } from './http-exchange.ts';
import { connectionBytes } from './http-requests.ts';
import { ingestSurface } from './ingest-requests.ts';
import { seedPictures } from './pictures.ts';

const healthEvery = 100;

async function openHttp(): Promise<OpenTarget> {
  const surface = ingestSurface((await seedPictures()).slice(0, 8));
  const fixture = await startIngestFixture({
    environment: {
      BODY_TIMEOUT: '500ms',
      MAX_IMAGE_BYTES: '65536',
      MAX_FORM_BYTES: '262144',
      // The log is in the same process, and its records would count as growth of memory.
      RETENTION_IMAGES: '1s',
      RETENTION_LABELS: '1s',
      TRACKED_IMAGES: '100',
    },
  });
  const port = Number(new URL(fixture.url).port);
  const health = `PUT /v1/images/healthy/labels/digit HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{"label":"7"}`;
  let cases = 0;
  return {
    generate: (random) => connectionBytes(random, surface),
    async run(input) {
      const outcome = await ask(port, input);
      cases += 1;
      if (cases % healthEvery === 0) {
        const answer = await ask(port, Buffer.from(health));
        if (answer !== '202') throw new Finding(`a request without fault gets ${answer} afterwards`);
      }
      return outcome;
    },
    close: () => fixture.stop(),
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
    '503 overloaded',
  ]),
  timeoutMs: 20_000,
  memoryBytes: 640 * 1024 * 1024,
  open: openHttp,
};
