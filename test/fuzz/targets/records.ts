/**
 * Arbitrary records under odd keys, written to the topics of a running classify. Each is processed, or
 * becomes a dead letter with a documented code; no partition stops, and the process stays responsive.
 */
import { errorCodes } from '@headwater/errors';
import { createMemoryLog, type LogProducer } from '@headwater/log';
import { compositeKey } from '@headwater/schemas';
import type { Service } from '@headwater/service-kit';
import { ClassifyFixture, refOf, vectorOf } from '../../../services/classify/src/testing/classify-fixture.ts';
import type { Random } from '../../chaos/random.ts';
import { mutate } from '../mutation.ts';
import { oddBytes, oddText } from '../odd-ids.ts';
import { Finding, type OpenTarget, type Target } from '../target.ts';

const extractor = 'eight.v1';
const workedOffWithinMs = 15_000;
const pollMs = 2;
const healthEvery = 50;
const codeHeader = '__connect.errors.exception.class.name';
/** Replaces the length of a missing key. */
const noKey = 0xffff;

interface Door {
  readonly topic: string;
  /** Undefined for a topic that every process reads without committing offsets. */
  readonly group: string | undefined;
  /** What belongs together. */
  record(id: string, random: Random): { readonly key: string; readonly value: Buffer };
}

/** Our codec writes no half of a surrogate pair; keys and mutated bytes cover other codecs. */
const writable = (random: Random) => Buffer.from(oddText(random)).toString();

const times = [1_700_000_000_000, 1_700_000_000_001, 2 ** 40, 0, 1_000, -1, 8_640_000_000_000_000];

function doorsOf({ codecs, names }: ClassifyFixture): Door[] {
  const { topics, groups } = names;
  const wordOf = (random: Random) => (random.chance(0.3) ? writable(random) : 'digit');
  return [
    {
      topic: topics.labels,
      group: groups.join,
      record: (imageId, random) => {
        const label = random.pick([null, 'c1', writable(random)]);
        const fields = { task: wordOf(random), label, assignedAt: random.pick(times), annotator: 'ann' };
        return { key: imageId, value: codecs.labels.encode({ imageId, ...fields }) };
      },
    },
    {
      topic: topics.vectors(extractor),
      group: groups.join,
      record: (imageId, random) => {
        const odd = random.pick([Number.NaN, Number.POSITIVE_INFINITY, 0, 1e38]);
        const vector = Float32Array.from(vectorOf(1, 7), (value) => (random.chance(0.05) ? odd : value));
        const labels = random.chance(0.3) ? { [wordOf(random)]: writable(random) } : {};
        const sent = {
          source: 'fuzz',
          receivedAt: random.pick(times),
          extractedAt: 1_700_000_000_001,
          group: null,
        };
        const value = codecs.vectors
          .get(extractor)
          ?.encode({ imageId, extractor: refOf(extractor), vector, labels, ...sent });
        return { key: imageId, value: value ?? Buffer.alloc(0) };
      },
    },
    {
      topic: topics.examples,
      group: groups.train,
      record: (imageId, random) => {
        const task = wordOf(random);
        const vector = Int16Array.from({ length: random.pick([8, 8, 8, 0, 7]) }, (_, at) => at * 1_170);
        const label = random.pick([null, 'c1', 'c2', writable(random)]);
        const fields = { label, assignedAt: random.pick(times), annotator: '', group: null, vector };
        const value = codecs.examples.encode({ extractor, task, imageId, ...fields });
        return { key: compositeKey(extractor, task, imageId), value };
      },
    },
    {
      topic: topics.serving,
      group: undefined,
      record: (_, random) => {
        const task = wordOf(random);
        const version = random.pick([0, 1, 2, -1, 2 ** 31 - 1]);
        const line = { task, extractor, kind: 'lda', version } as const;
        return {
          key: task,
          value: codecs.serving.encode({ ...line, reason: 'pinned', activatedAt: random.pick(times) }),
        };
      },
    },
    {
      topic: topics.heads,
      group: undefined,
      record: (_, random) => {
        const [task, version] = [wordOf(random), random.pick([0, 1, 2, -1, 2 ** 31 - 1])];
        const digests = { digest: 'cd'.repeat(32), setDigest: 'ef'.repeat(32), arithmetic: 2 };
        const learned = { classes: ['c0', writable(random)], dimensions: 8, examples: 9, watermark: 3 };
        const chosen = { regularization: 0.5, temperature: 1, measurements: {}, mode: 'settled' } as const;
        const head = {
          ...digests,
          ...learned,
          ...chosen,
          extractor,
          task,
          kind: 'lda',
          version,
          parameters: oddBytes(random),
          trainedAt: random.pick(times),
        } as const;
        return {
          key: compositeKey(extractor, task, 'lda', String(version)),
          value: codecs.heads.encode(head),
        };
      },
    },
  ];
}

/** The door, the length of the key, the key, the value: nothing behind the key is a tombstone. */
function inputFor(random: Random, doors: readonly Door[]): Buffer {
  const index = random.integer(0, doors.length - 1);
  const id = random.chance(0.7) ? writable(random) : `i${random.integer(0, 30)}`;
  const right = doors[index]?.record(id, random);
  const ownKey = Buffer.from(right?.key ?? '');
  const key = random.chance(0.6) ? ownKey : random.pick([oddBytes(random), mutate(ownKey, random, []), null]);
  const value = right?.value ?? Buffer.alloc(0);
  const sent = random.pick([value, value, mutate(value, random, []), Buffer.alloc(0)]);
  const head = Buffer.from([index, 0, 0]);
  head.writeUInt16BE(key === null ? noKey : key.length, 1);
  return Buffer.concat([head, key ?? Buffer.alloc(0), sent]);
}

async function openRecords(): Promise<OpenTarget> {
  const fixture = await ClassifyFixture.open({ log: createMemoryLog(), partitions: 1 });
  const service = await fixture.start({ TRACKED_IMAGES: '1000' });
  const desk = new Desk(fixture, service, await fixture.log.openProducer());
  return {
    generate: (random) => inputFor(random, desk.doors),
    run: (input) => desk.hand(Buffer.from(input)),
    close: () => fixture.close(),
  };
}

/** Writes a record, and waits for its outcome. */
class Desk {
  readonly doors: readonly Door[];
  readonly #fixture: ClassifyFixture;
  readonly #service: Service;
  readonly #producer: LogProducer;
  #stopped: unknown;
  #cases = 0;

  constructor(fixture: ClassifyFixture, service: Service, producer: LogProducer) {
    this.doors = doorsOf(fixture);
    this.#fixture = fixture;
    this.#service = service;
    this.#producer = producer;
    service.stopped.catch((reason) => {
      this.#stopped = reason;
    });
  }

  async hand(input: Buffer): Promise<string> {
    const { topic, group } = this.doors[(input[0] ?? 0) % this.doors.length] ?? {};
    if (topic === undefined) throw new Error('there are no doors');
    const length = input.length < 3 ? noKey : input.readUInt16BE(1);
    const [key, rest] =
      length === noKey
        ? [null, input.subarray(3)]
        : [input.subarray(3, 3 + length), input.subarray(3 + length)];
    const refused = group === undefined ? 0n : await this.#refused(topic);
    await this.#producer.send([{ topic, key, value: rest.length === 0 ? null : rest, partition: 0 }]);
    if (group !== undefined) await this.#workedOff(group, topic);
    this.#cases += 1;
    const isRefused = group !== undefined && (await this.#refused(topic)) > refused;
    const outcome = isRefused ? await this.#reason(topic, refused) : 'ok';
    if (this.#cases % healthEvery === 0) await this.#checkHealth();
    return outcome;
  }

  async #refused(topic: string): Promise<bigint> {
    const [range] = await this.#fixture.log.admin.offsets(this.#fixture.names.topics.deadLetters(topic));
    return range?.high ?? 0n;
  }

  async #workedOff(group: string, topic: string): Promise<void> {
    const { admin } = this.#fixture.log;
    const deadline = performance.now() + workedOffWithinMs;
    for (;;) {
      if (this.#stopped !== undefined)
        throw new Finding(`classify stopped: ${this.#stopped}`, { cause: this.#stopped });
      const [[range], [at = 0n]] = await Promise.all([admin.offsets(topic), admin.committed(group, topic)]);
      if (at >= (range?.high ?? 0n)) return;
      if (performance.now() > deadline)
        throw new Finding(`not worked off within ${workedOffWithinMs} ms: ${topic}`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  async #reason(topic: string, from: bigint): Promise<string> {
    const letters = this.#fixture.names.topics.deadLetters(topic);
    for await (const [letter] of this.#fixture.log.read({ topic: letters, partition: 0, from })) {
      const code = letter?.headers[codeHeader]?.toString() ?? '';
      return code in errorCodes ? code : `dead letter without a documented code: ${code}`;
    }
    throw new Finding('a dead letter was counted, and cannot be read');
  }

  async #checkHealth(): Promise<void> {
    for (const path of ['/v1/tasks', '/v1/tasks/digit', '/v1/tasks/digit/heads']) {
      const { status } = await this.#fixture.api(this.#service, path);
      if (status !== 200) throw new Finding(`GET ${path} is answered ${status} afterwards`);
    }
    await this.#forget();
  }

  /** The log is in the same process, and its records would count as growth of memory. */
  async #forget(): Promise<void> {
    const { names, log, logged } = this.#fixture;
    const { labels, vectors, predictions, examples, deadLetters } = names.topics;
    const read = [labels, vectors(extractor), examples];
    for (const topic of [...read, ...read.map((one) => deadLetters(one)), predictions]) {
      const [range] = await log.admin.offsets(topic);
      await log.admin.deleteRecords(topic, new Map([[0, range?.high ?? 0n]]));
    }
    logged.length = 0;
  }
}

export const recordsTarget: Target = {
  name: 'records',
  documented: new Set([
    'ok',
    'wire-format-invalid',
    'record-empty',
    'record-invalid',
    'schema-unknown',
    'avro-invalid',
    'limit-exceeded',
    'vector-not-finite',
    'vector-wrong-dimensions',
  ]),
  timeoutMs: 20_000,
  memoryBytes: 768 * 1024 * 1024,
  open: openRecords,
};
