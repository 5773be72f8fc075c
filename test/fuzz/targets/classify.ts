/**
 * Classify over HTTP from raw sockets, with serving heads: every input gets a documented response, and other
 * clients are served.
 */
import { createMemoryLog } from '@headwater/log';
import type { Service } from '@headwater/service-kit';
import {
  ClassifyFixture,
  contractOf,
  eventually,
  refOf,
  vectorOf,
} from '../../../services/classify/src/testing/classify-fixture.ts';
import { Finding, type OpenTarget, type Target } from '../target.ts';
import { classifySurface } from './classify-requests.ts';
import { ask } from './http-exchange.ts';
import { connectionBytes } from './http-requests.ts';
import { seedPictures } from './pictures.ts';

const healthEvery = 100;
const labelled = 12;
const pictured = 'lenet-digits.v1';
/** The expected prediction: the vector of an image of class c1. */
const health = JSON.stringify({ vector: vectorOf(1, 70) });

/** Two tasks with heads, of vectors and of images, and one without. */
async function openClassify(): Promise<{ readonly fixture: ClassifyFixture; readonly service: Service }> {
  const fixture = await ClassifyFixture.open({ log: createMemoryLog(), extractors: ['eight.v1', pictured] });
  const service = await fixture.start({
    TASKS: 'digit,picture,quiet',
    HEADS: 'lda,ncm',
    MAX_IMAGE_BYTES: '65536',
  });
  const { dimensions } = contractOf(pictured);
  for (let image = 0; image < labelled; image += 1) {
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
    await fixture.sendLabel(`i${image}`, `c${image % 3}`);
    const vector = Array.from({ length: dimensions }, (_, at) => Math.sin(image * 7.3 + at));
    await fixture.sendVector(`p${image}`, vector, { extractor: refOf(pictured) });
    await fixture.sendLabel(`p${image}`, `c${image % 3}`, { task: 'picture' });
  }
  // Without a label: these are predicted, and are candidates for a label.
  for (let image = labelled; image < 2 * labelled; image += 1) {
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
  }
  for (const task of ['digit', 'picture']) {
    await fixture.settled(labelled, task);
    await eventually(async () => (await fixture.api(service, `/v1/tasks/${task}/head`)).status === 200);
  }
  return { fixture, service };
}

async function openTarget(): Promise<OpenTarget> {
  const pictures = (await seedPictures()).slice(0, 8);
  const { fixture, service } = await openClassify();
  const images = Array.from({ length: 2 * labelled }, (_, image) => [`i${image}`, `p${image}`]).flat();
  const kinds = ['lda', 'ncm', 'knn', 'mlp', 'oracle'];
  const surface = classifySurface({ tasks: ['digit', 'digit', 'picture', 'quiet'], images, kinds, pictures });
  const port = Number(new URL(service.url ?? '').port);
  let cases = 0;
  return {
    generate: (random) => connectionBytes(random, surface),
    async run(input) {
      const outcome = await ask(port, input);
      cases += 1;
      if (cases % healthEvery === 0) await checkHealth(port);
      // Log lines in the fixture would count as growth of memory.
      fixture.logged.length = 0;
      return outcome;
    },
    close: () => fixture.close(),
  };
}

async function checkHealth(port: number): Promise<void> {
  const head = `POST /v1/tasks/digit/classify HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n`;
  const request = Buffer.from(`${head}content-length: ${health.length}\r\n\r\n${health}`);
  const answer = await ask(port, request);
  if (answer !== '200') throw new Finding(`a request without fault gets ${answer} afterwards`);
}

export const classifyTarget: Target = {
  name: 'classify',
  documented: new Set([
    'closed',
    '200',
    '400',
    '403',
    '404',
    '413',
    '414',
    '415',
    '417',
    '421',
    '422',
    '431',
    '501 extractor-unknown',
    '503 head-not-ready',
    '503 overloaded',
  ]),
  timeoutMs: 20_000,
  memoryBytes: 768 * 1024 * 1024,
  open: openTarget,
};
