/**
 * What every log must do, whatever it is made of. Each implementation's test runs this with a log of its own,
 * so that services tested in memory may be trusted on Kafka.
 */
import { HeadwaterError } from '@headwater/errors';
import type {
  AssignedPartition,
  Log,
  LogRecord,
  OutgoingRecord,
  PartitionGroup,
  PartitionGroupOptions,
  PartitionProcessor,
  ProcessorOutput,
} from '@headwater/log';
import { deadLetterHeaders, partitionFor, sourceHeaders } from '@headwater/log';
import { describe, expect, it, onTestFinished } from 'vitest';

export interface LogContractOptions {
  /** A log of its own, on the cluster that all logs of this test share. */
  openLog(): Log;
}

/** A promise that the test resolves. */
export function createLatch(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/**
 * Resolves when the condition holds; the test's time-out is the limit. Looks often at first and then less: looking takes the broker as much
 * as working does.
 */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let pauseMs = 5; !(await condition()); pauseMs = Math.min(50, pauseMs * 1.5)) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

let names = 0;
export function uniqueName(stem: string): string {
  names += 1;
  return `${stem}-${process.pid}-${Date.now().toString(36)}-${names}`;
}

export async function createTopic(
  log: Log,
  partitions: number,
  settings: Record<string, string> = {},
): Promise<string> {
  const name = uniqueName('topic');
  await log.admin.ensureTopics([{ name, partitions, settings }], { create: true });
  return name;
}

export async function produce(log: Log, records: readonly OutgoingRecord[]): Promise<void> {
  const producer = await log.openProducer();
  await producer.send(records);
  await producer.close();
}

export async function readAll(log: Log, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  const partitions = (await log.admin.partitions(topic)) ?? 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const chunk of log.read({ topic, partition })) records.push(...chunk);
  }
  return records;
}

export function texts(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => value?.toString() ?? '<null>');
}

export function numbered(topic: string, count: number, from = 0): OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic,
    key: `key-${from + index}`,
    value: Buffer.from(`value-${from + index}`),
  }));
}

/** Copies each record to another topic. */
export function copyTo(topic: string, records: readonly LogRecord[]): ProcessorOutput {
  return {
    records: records.map((record) => ({ topic, key: record.key, value: record.value, cause: record })),
    deadLetters: [],
  };
}

type Process = (
  records: readonly LogRecord[],
  signal: AbortSignal,
  partition: number,
) => Promise<ProcessorOutput>;

/** Partitions that do as `process` says, with names that no other test has. */
export async function startPartitionGroup(
  log: Log,
  options: Partial<PartitionGroupOptions> & { readonly topics: readonly string[]; readonly group: string },
  process: Process,
  session: Partial<PartitionProcessor> = {},
): Promise<PartitionGroup> {
  const partitionGroup = await log.openPartitionGroup({
    transactionalId: (partition) => `${options.group}-${partition}`,
    deadLetterTopic: (topic) => `${topic}-dlt`,
    open: async ({ index }) => ({
      process: (records, signal) => process(records, signal, index),
      close: () => undefined,
      ...session,
    }),
    ...options,
  });
  onTestFinished(() => partitionGroup.close().catch(() => undefined));
  return partitionGroup;
}

/** Source offsets that outputs name, as `partition/offset`, sorted. */
export function sourceOffsets(records: readonly LogRecord[]): string[] {
  return records
    .map(
      ({ headers }) =>
        `${headers[sourceHeaders.partition]}/${String(headers[sourceHeaders.offset]).padStart(8, '0')}`,
    )
    .sort();
}

function expectEachOnce(inputs: readonly LogRecord[], outputs: readonly LogRecord[]): void {
  const expected = inputs.map(({ partition, offset }) => `${partition}/${String(offset).padStart(8, '0')}`);
  expect(sourceOffsets(outputs)).toEqual(expected.sort());
}

/** Runs every promise of the interface against one implementation. */
export function describeLogContract(name: string, { openLog }: LogContractOptions): void {
  const open = () => {
    const log = openLog();
    onTestFinished(() => log.close());
    return log;
  };

  describe(`${name}: topics`, () => {
    it('creates what is missing, and knows how many partitions there are', async () => {
      const log = open();
      const topic = await createTopic(log, 3);
      expect(await log.admin.partitions(topic)).toBe(3);
      expect(await log.admin.partitions(uniqueName('nowhere'))).toBeUndefined();
      await log.admin.ensureTopics([{ name: topic, partitions: 3, settings: {} }], { create: false });
    });

    it('refuses a topic that is missing or has other partitions', async () => {
      const log = open();
      const topic = await createTopic(log, 2);
      const missing = { name: uniqueName('nowhere'), partitions: 1, settings: {} };
      await expect(log.admin.ensureTopics([missing], { create: false })).rejects.toMatchObject({
        code: 'topic-missing',
      });
      const other = { name: topic, partitions: 4, settings: {} };
      await expect(log.admin.ensureTopics([other], { create: true })).rejects.toMatchObject({
        code: 'topic-mismatch',
      });
    });
  });

  describe(`${name}: producer and bounded reads`, () => {
    it('gives back keys, values, headers, tombstones and timestamps in order', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      await produce(log, [
        { topic, key: 'a', value: Buffer.from('1'), headers: { text: 'x', bytes: Buffer.from([0, 255]) } },
        { topic, key: null, value: Buffer.alloc(0), timestamp: 1_700_000_000_000 },
        { topic, key: Buffer.from('a'), value: null },
      ]);
      const [first, second, third] = await readAll(log, topic);
      expect(first?.key).toEqual(Buffer.from('a'));
      expect(first?.headers).toEqual({ text: Buffer.from('x'), bytes: Buffer.from([0, 255]) });
      expect(second?.key).toBeNull();
      expect(second?.value).toEqual(Buffer.alloc(0));
      expect(second?.timestamp).toBe(1_700_000_000_000);
      expect(third?.value).toBeNull();
      expect([first?.offset, second?.offset, third?.offset]).toEqual([0n, 1n, 2n]);
    });

    it('partitions by murmur2 of the key unless told where to', async () => {
      const log = open();
      const topic = await createTopic(log, 5);
      await produce(log, [
        ...numbered(topic, 40),
        { topic, key: 'key-0', value: Buffer.from('x'), partition: 4 },
      ]);
      for (const record of await readAll(log, topic)) {
        const elsewhere = record.value?.toString() === 'x';
        expect(record.partition).toBe(elsewhere ? 4 : partitionFor(record.key ?? '', 5));
      }
    });

    it('adds the source of a record to its headers', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      await produce(log, numbered(topic, 2));
      const [, cause] = await readAll(log, topic);
      if (cause === undefined) throw new Error('no record');
      await produce(log, [{ topic, key: 'k', value: null, cause }]);
      const derived = (await readAll(log, topic))[2];
      expect(derived?.headers).toEqual({
        [sourceHeaders.topic]: Buffer.from(topic),
        [sourceHeaders.partition]: Buffer.from('0'),
        [sourceHeaders.offset]: Buffer.from('1'),
      });
    });

    it('reads between two offsets, and nothing from an empty range', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      await produce(log, numbered(topic, 10));
      const read = async (range: { from?: bigint; to?: bigint }) => {
        const records: LogRecord[] = [];
        for await (const chunk of log.read({ topic, partition: 0, ...range })) records.push(...chunk);
        return texts(records);
      };
      expect(await read({ from: 3n, to: 6n })).toEqual(['value-3', 'value-4', 'value-5']);
      expect(await read({ from: 10n })).toEqual([]);
      expect(await read({ from: 4n, to: 4n })).toEqual([]);
      expect(await read({ to: 2n })).toEqual(['value-0', 'value-1']);
      expect(await log.admin.offsets(topic)).toEqual([{ low: 0n, high: 10n }]);
    });

    it('splits what is sent by bytes, and refuses a record past the topic limit', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      const large = Array.from({ length: 400 }, (_, index) => ({
        topic,
        key: `k${index}`,
        value: Buffer.alloc(5_000, index),
      }));
      await produce(log, large);
      const found = await readAll(log, topic);
      expect(found.map(({ key }) => key?.toString())).toEqual(large.map(({ key }) => key));
      await expect(
        produce(log, [{ topic, key: 'huge', value: Buffer.alloc(1_200_000) }]),
      ).rejects.toMatchObject({ code: 'record-too-large', verdict: 'dead-letter' });
      expect(await readAll(log, topic)).toHaveLength(400);
    });
  });

  describe(`${name}: transactions and deletion for tools`, () => {
    it('writes all of a commit or nothing, and fences the former owner of the id', async () => {
      const log = openLog();
      const [one, other] = [await createTopic(log, 2), await createTopic(log, 1)];
      const id = uniqueName('tool');
      const former = await log.openTransactions(id);
      onTestFinished(() => former.close());
      await former.commit([...numbered(one, 3), ...numbered(other, 1)]);
      const huge = { topic: other, key: 'k', value: Buffer.alloc(2_000_000) };
      await expect(former.commit([...numbered(one, 3, 50), huge])).rejects.toMatchObject({
        code: 'record-too-large',
      });
      const owner = await log.openTransactions(id);
      onTestFinished(() => owner.close());
      await expect(former.commit(numbered(one, 1, 90))).rejects.toMatchObject({ code: 'log-fenced' });
      await owner.commit(numbered(one, 1, 3));
      expect(texts(await readAll(log, one)).sort()).toEqual(['value-0', 'value-1', 'value-2', 'value-3']);
      expect(texts(await readAll(log, other))).toEqual(['value-0']);
    });

    it('deletes what lies before an offset', async () => {
      const log = openLog();
      const topic = await createTopic(log, 1);
      await produce(log, numbered(topic, 5));
      await log.admin.deleteRecords(topic, new Map([[0, 3n]]));
      await log.admin.deleteRecords(topic, new Map([[0, 2n]]));
      expect(await log.admin.offsets(topic)).toEqual([{ low: 3n, high: 5n }]);
      expect(texts(await readAll(log, topic))).toEqual(['value-3', 'value-4']);
    });
  });

  describe(`${name}: followers`, () => {
    it('hands over everything from the beginning, then what comes', async () => {
      const log = open();
      const topics = [await createTopic(log, 2), await createTopic(log, 1)] as const;
      await produce(log, [...numbered(topics[0], 30), ...numbered(topics[1], 5)]);
      const seen: LogRecord[] = [];
      const follower = await log.follow({
        topics,
        from: 'beginning',
        onRecords: (records) => void seen.push(...records),
      });
      await follower.caughtUp;
      expect(seen).toHaveLength(35);
      await produce(log, numbered(topics[1], 1, 5));
      await until(() => seen.length === 36);
      await until(() => follower.position(topics[1], 0) === 6n);
      await follower.close();
      await follower.stopped;
    });

    it('starts at the end when asked, and is caught up at once on empty topics', async () => {
      const log = open();
      const [empty, full] = [await createTopic(log, 3), await createTopic(log, 1)];
      await produce(log, numbered(full, 5));
      const seen: LogRecord[] = [];
      const onRecords = (records: readonly LogRecord[]) => void seen.push(...records);
      await (await log.follow({ topics: [empty], from: 'beginning', onRecords })).caughtUp;
      const follower = await log.follow({ topics: [full], from: 'end', onRecords });
      await follower.caughtUp;
      await produce(log, numbered(full, 1, 5));
      await until(() => seen.length > 0);
      expect(texts(seen)).toEqual(['value-5']);
    });

    it('ends with the error that its reader throws', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      await produce(log, numbered(topic, 1));
      const follower = await log.follow({
        topics: [topic],
        from: 'beginning',
        onRecords: () => Promise.reject(new HeadwaterError('head-invalid', 'no')),
      });
      await expect(follower.stopped).rejects.toMatchObject({ code: 'head-invalid' });
      await expect(follower.caughtUp).rejects.toMatchObject({ code: 'head-invalid' });
    });
  });

  describe(`${name}: partitions`, () => {
    it('processes every record once, and goes on where the group left off', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 3), await createTopic(log, 2)];
      const group = uniqueName('group');
      await produce(log, numbered(input, 200));
      const first = await startPartitionGroup(log, { topics: [input], group }, async (records) =>
        copyTo(output, records),
      );
      await first.ready;
      expect(first.assigned()).toEqual([0, 1, 2]);
      await until(async () => (await readAll(log, output)).length === 200);
      await first.close();
      await first.stopped;
      await produce(log, numbered(input, 100, 200));
      await startPartitionGroup(log, { topics: [input], group }, async (records) => copyTo(output, records));
      await until(async () => (await readAll(log, output)).length >= 300);
      expectEachOnce(await readAll(log, input), await readAll(log, output));
    });

    it('opens a partition with the positions to go on from, and replays what is committed', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const group = uniqueName('group');
      await produce(log, numbered(input, 20));
      const first = await startPartitionGroup(log, { topics: [input], group }, async (records) =>
        copyTo(output, records),
      );
      await until(async () => (await log.admin.committed(group, input))[0] === 20n);
      await first.close();
      const replayed: LogRecord[] = [];
      const positions: (bigint | undefined)[] = [];
      const second = await startPartitionGroup(
        log,
        {
          topics: [input],
          group,
          open: async (partition) => {
            positions.push(partition.positions.get(input));
            for await (const chunk of partition.replay({ topic: input, from: 5n, to: 8n }))
              replayed.push(...chunk);
            return { process: async (records) => copyTo(output, records), close: () => undefined };
          },
        },
        async () => copyTo(output, []),
      );
      await second.ready;
      expect(positions).toEqual([20n]);
      expect(texts(replayed)).toEqual(['value-5', 'value-6', 'value-7']);
    });

    it('counts the members of a group', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      const group = uniqueName('group');
      expect(await log.admin.members(group)).toBe(0);
      const partitionGroup = await startPartitionGroup(log, { topics: [input], group }, async () =>
        copyTo(input, []),
      );
      await partitionGroup.ready;
      expect(await log.admin.members(group)).toBe(1);
      await partitionGroup.close();
      expect(await log.admin.members(group)).toBe(0);
    });

    it('reports how topics are replicated, and leaves out those that do not exist', async () => {
      const log = open();
      const topic = await createTopic(log, 2);
      const { brokers, topics } = await log.admin.replication([topic, uniqueName('missing')]);
      expect(brokers).toBeGreaterThanOrEqual(1);
      expect([...topics]).toEqual([[topic, { replicas: 1, minInsyncReplicas: 1 }]]);
    });

    it('deletes groups, also where some do not exist', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      const group = uniqueName('group');
      const partitionGroup = await startPartitionGroup(log, { topics: [input], group }, async () =>
        copyTo(input, []),
      );
      await partitionGroup.ready;
      await partitionGroup.close();
      await log.admin.deleteGroups([uniqueName('none'), group]);
      await log.admin.deleteGroups([group]);
    });

    it('tells what was committed, in order, after it is', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const group = uniqueName('group');
      await produce(log, numbered(input, 50));
      const told: bigint[] = [];
      const batch = { maxRecords: 7, lingerMs: 5 };
      await startPartitionGroup(log, { topics: [input], group, batch, inFlight: 3 }, async (records) => ({
        ...copyTo(output, records),
        committed: (positions) => void told.push(positions.get(input) ?? 0n),
      }));
      await until(() => told.at(-1) === 50n);
      expect(told).toEqual([...told].sort((a, b) => Number(a - b)));
      await until(async () => (await log.admin.committed(group, input))[0] === 50n);
      await until(async () => (await readAll(log, output)).length >= 50);
      expect(texts(await readAll(log, output))).toEqual(texts(await readAll(log, input)));
    });

    it('never processes again what is committed, though the session fails after it', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      await produce(log, numbered(input, 4));
      const options = { topics: [input], group: uniqueName('group'), batch: { maxRecords: 4 } };
      const partitionGroup = await startPartitionGroup(log, options, async (records) => ({
        ...copyTo(output, records),
        committed: () => Promise.reject(new HeadwaterError('record-invalid', 'too late')),
      }));
      await expect(partitionGroup.stopped).rejects.toMatchObject({ code: 'record-invalid', verdict: 'stop' });
      await until(async () => (await readAll(log, output)).length >= 4);
      expectEachOnce(await readAll(log, input), await readAll(log, output));
    });

    it('keeps batches within their limits', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      const group = uniqueName('group');
      await produce(
        log,
        Array.from({ length: 60 }, () => ({ topic: input, key: 'k', value: Buffer.alloc(1000) })),
      );
      const sizes: number[] = [];
      const batch = { maxRecords: 20, maxBytes: 10_000, lingerMs: 5 };
      await startPartitionGroup(log, { topics: [input], group, batch }, async (records) => {
        sizes.push(records.length);
        return { records: [], deadLetters: [] };
      });
      await until(() => sizes.reduce((sum, size) => sum + size, 0) === 60);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
    });

    it('overlaps calls up to inFlight, and no further', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      const group = uniqueName('group');
      await produce(log, numbered(input, 10));
      const gate = createLatch();
      let running = 0;
      let most = 0;
      let done = 0;
      const batch = { maxRecords: 1, lingerMs: 0 };
      await startPartitionGroup(log, { topics: [input], group, batch, inFlight: 3 }, async () => {
        running += 1;
        most = Math.max(most, running);
        if (running === 3) gate.open();
        await gate.opened;
        running -= 1;
        done += 1;
        return { records: [], deadLetters: [] };
      });
      await until(() => done === 10);
      expect(most).toBe(3);
    });

    it('reads partition i of all topics in partition i', async () => {
      const log = open();
      const topics = [await createTopic(log, 3), await createTopic(log, 3)] as const;
      const group = uniqueName('group');
      await produce(log, [...numbered(topics[0], 60), ...numbered(topics[1], 60)]);
      const seen: { partition: number; record: LogRecord }[] = [];
      await startPartitionGroup(log, { topics, group }, async (records, _signal, partition) => {
        for (const record of records) seen.push({ partition, record });
        return { records: [], deadLetters: [] };
      });
      await until(() => seen.length === 120);
      for (const { partition, record } of seen) expect(record.partition).toBe(partition);
    });

    it('refuses topics that are missing or differ in partitions', async () => {
      const log = open();
      const topics = [await createTopic(log, 3), await createTopic(log, 2)];
      const group = uniqueName('group');
      const process: Process = async () => ({ records: [], deadLetters: [] });
      await expect(startPartitionGroup(log, { topics, group }, process)).rejects.toMatchObject({
        code: 'topic-mismatch',
      });
      const missing = [uniqueName('nowhere')];
      await expect(startPartitionGroup(log, { topics: missing, group }, process)).rejects.toMatchObject({
        code: 'topic-missing',
      });
    });

    it('tells a partition once that it is idle, and again after more came', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const group = uniqueName('group');
      await produce(log, numbered(input, 5));
      let idle = 0;
      await startPartitionGroup(
        log,
        { topics: [input], group, idleAfterMs: 100 },
        async (records) => copyTo(output, records),
        {
          idle: async () => {
            idle += 1;
            return { records: [{ topic: output, key: 'idle', value: null }], deadLetters: [] };
          },
        },
      );
      await until(async () => (await readAll(log, output)).length === 6);
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(idle).toBe(1);
      await produce(log, numbered(input, 1, 5));
      await until(() => idle === 2);
    });

    it('asks a partition that wakes it for what it has to say, between batches and when nothing comes', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const group = uniqueName('group');
      let said = 0;
      let wake: () => void = () => undefined;
      const openSession = async (partition: AssignedPartition): Promise<PartitionProcessor> => {
        wake = () => partition.wake?.();
        return {
          process: async (records) => {
            wake();
            return copyTo(output, records);
          },
          offer: async () => {
            said += 1;
            return { records: [{ topic: output, key: 'more', value: null }], deadLetters: [] };
          },
          close: () => undefined,
        };
      };
      const processNothing = () => Promise.reject(new Error('not asked'));
      await startPartitionGroup(log, { topics: [input], group, open: openSession }, processNothing);
      await produce(log, numbered(input, 1));
      await until(() => said === 1);
      wake();
      await until(async () => (await readAll(log, output)).length === 3);
      expect(said).toBe(2);
    });
  });

  describe(`${name}: verdicts`, () => {
    const startFailing = async (log: Log, fail: (record: LogRecord, attempt: number) => void) => {
      const input = await createTopic(log, 1);
      await createTopicNamed(log, `${input}-dlt`);
      const output = await createTopic(log, 1);
      await produce(log, numbered(input, 20));
      const attempts = new Map<bigint, number>();
      const partitionGroup = await startPartitionGroup(
        log,
        { topics: [input], group: uniqueName('group') },
        async (records) => {
          for (const record of records) {
            attempts.set(record.offset, (attempts.get(record.offset) ?? 0) + 1);
            fail(record, attempts.get(record.offset) ?? 0);
          }
          return copyTo(output, records);
        },
      );
      return { input, output, partitionGroup };
    };

    it('retries until it works', async () => {
      const log = open();
      const { input, output } = await startFailing(log, ({ offset }, attempt) => {
        if (offset === 3n && attempt < 4) throw new HeadwaterError('blob-store-unavailable', 'not yet');
      });
      await until(async () => (await readAll(log, output)).length >= 20);
      expectEachOnce(await readAll(log, input), await readAll(log, output));
    });

    it('dead-letters the one record that is to blame, and lets its neighbours through', async () => {
      const log = open();
      const { input, output } = await startFailing(log, ({ offset }) => {
        if (offset !== 3n && offset !== 17n) return;
        throw new HeadwaterError('avro-invalid', 'cut short', { context: { stage: 'decode' } });
      });
      await until(async () => (await readAll(log, output)).length >= 18);
      await until(async () => (await readAll(log, `${input}-dlt`)).length >= 2);
      const letters = await readAll(log, `${input}-dlt`);
      expect(texts(letters)).toEqual(['value-3', 'value-17']);
      expect(letters[0]?.key?.toString()).toBe('key-3');
      expect(
        Object.fromEntries(Object.entries(letters[0]?.headers ?? {}).map(([k, v]) => [k, String(v)])),
      ).toMatchObject({
        [deadLetterHeaders.topic]: input,
        [deadLetterHeaders.partition]: '0',
        [deadLetterHeaders.offset]: '3',
        [deadLetterHeaders.stage]: 'decode',
        [deadLetterHeaders.exceptionClass]: 'avro-invalid',
        [deadLetterHeaders.exceptionMessage]: 'cut short',
        [sourceHeaders.topic]: input,
        [sourceHeaders.offset]: '3',
      });
      expectEachOnce(await readAll(log, input), [...(await readAll(log, output)), ...letters]);
    });

    it('stops with the error when there is no going on, with nothing of the batch committed', async () => {
      const log = open();
      const { output, partitionGroup } = await startFailing(log, ({ offset }) => {
        if (offset === 10n) throw new HeadwaterError('model-invalid', 'damaged');
      });
      await expect(partitionGroup.stopped).rejects.toMatchObject({ code: 'model-invalid' });
      expect(texts(await readAll(log, output))).not.toContain('value-10');
      expect(partitionGroup.assigned()).toEqual([]);
    });

    it('dead-letters a record whose output is too large', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      await createTopicNamed(log, `${input}-dlt`);
      const output = await createTopic(log, 1);
      await produce(log, numbered(input, 8));
      await startPartitionGroup(log, { topics: [input], group: uniqueName('group') }, async (records) => ({
        records: records.map((cause) => ({
          topic: output,
          key: cause.key,
          value: Buffer.alloc(cause.offset === 5n ? 1_300_000 : 10),
          cause,
        })),
        deadLetters: [],
      }));
      await until(async () => (await readAll(log, output)).length >= 7);
      await until(async () => (await readAll(log, `${input}-dlt`)).length >= 1);
      const letters = await readAll(log, `${input}-dlt`);
      expect(texts(letters)).toEqual(['value-5']);
      expectEachOnce(await readAll(log, input), [...(await readAll(log, output)), ...letters]);
    });
  });

  describe(`${name}: groups`, () => {
    it('shares the partitions among members, and neither loses nor doubles when one leaves in mid-stream', async () => {
      const logs = [open(), open()] as const;
      const [input, output] = [await createTopic(logs[0], 4), await createTopic(logs[0], 2)];
      const group = uniqueName('group');
      const options = { topics: [input], group, batch: { maxRecords: 5, lingerMs: 2 }, inFlight: 2 };
      const process: Process = async (records) => {
        await new Promise((resolve) => setTimeout(resolve, 3));
        return copyTo(output, records);
      };
      await produce(logs[0], numbered(input, 300));
      const first = await startPartitionGroup(logs[0], options, process);
      await first.ready;
      const second = await startPartitionGroup(logs[1], options, process);
      await second.ready;
      await until(() => first.assigned().length === 2 && second.assigned().length === 2);
      expect([...first.assigned(), ...second.assigned()].sort()).toEqual([0, 1, 2, 3]);
      await produce(logs[0], numbered(input, 300, 300));
      await until(async () => (await readAll(logs[0], output)).length > 320);
      await second.close();
      await produce(logs[0], numbered(input, 50, 600));
      await until(async () => (await readAll(logs[0], output)).length >= 650);
      expectEachOnce(await readAll(logs[0], input), await readAll(logs[0], output));
    });

    it('never commits the work of a partition that was taken away while it ran', async () => {
      const logs = [open(), open()] as const;
      const [input, output] = [await createTopic(logs[0], 2), await createTopic(logs[0], 1)];
      const group = uniqueName('group');
      await produce(
        logs[0],
        [0, 1].map((partition) => ({ topic: input, partition, key: 'k', value: Buffer.from('v') })),
      );
      const gate = createLatch();
      let waiting = 0;
      const signals: AbortSignal[] = [];
      const slow: Process = async (records, signal) => {
        waiting += 1;
        signals.push(signal);
        await gate.opened;
        return copyTo(output, records);
      };
      const first = await startPartitionGroup(logs[0], { topics: [input], group }, slow);
      await first.ready;
      await until(() => waiting === 2);
      const second = await startPartitionGroup(logs[1], { topics: [input], group }, async (records) =>
        copyTo(output, records),
      );
      await second.ready;
      await until(async () => (await readAll(logs[0], output)).length === 1);
      expect(signals.every(({ aborted }) => aborted)).toBe(true);
      gate.open();
      await until(async () => (await readAll(logs[0], output)).length === 2);
      await until(async () => {
        const committed = await logs[0].admin.committed(group, input);
        return committed.every((offset) => offset === 1n);
      });
      expectEachOnce(await readAll(logs[0], input), await readAll(logs[0], output));
    });

    it('commits what is in flight when it closes', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const group = uniqueName('group');
      await produce(log, numbered(input, 1));
      const gate = createLatch();
      let started = false;
      const partitionGroup = await startPartitionGroup(log, { topics: [input], group }, async (records) => {
        started = true;
        await gate.opened;
        return copyTo(output, records);
      });
      await until(() => started);
      const closed = partitionGroup.close();
      gate.open();
      await closed;
      await partitionGroup.stopped;
      await until(async () => (await readAll(log, output)).length > 0);
      await until(async () => (await log.admin.committed(group, input))[0] === 1n);
      expect(await readAll(log, output)).toHaveLength(1);
    });

    it('abandons a batch that is not committed when the grace period of its close is over', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      const group = uniqueName('group');
      await produce(log, numbered(input, 1));
      let begun = false;
      const partitionGroup = await startPartitionGroup(log, { topics: [input], group }, () => {
        begun = true;
        return new Promise<never>(() => undefined);
      });
      await until(() => begun);
      const asked = performance.now();
      await partitionGroup.close({ graceMs: 100 });
      // Without the option, the batch alone would be waited for longer than this.
      expect(performance.now() - asked).toBeLessThan(5_000);
      expect((await log.admin.committed(group, input))[0]).toBeUndefined();
    });

    it('fences the former owner of a transactional id, who opens its partition again', async () => {
      const logs = [open(), open()] as const;
      const [input, output] = [await createTopic(logs[0], 1), await createTopic(logs[0], 1)];
      const transactionalId = () => `shared-${input}`;
      const retried: string[] = [];
      const gate = createLatch();
      let opened = 0;
      await produce(logs[0], numbered(input, 3));
      await startPartitionGroup(
        logs[0],
        {
          topics: [input],
          group: uniqueName('group'),
          transactionalId,
          observer: { retried: (_lane, error) => void retried.push(error.code) },
          open: async () => {
            opened += 1;
            return {
              process: async (records) => {
                await gate.opened;
                return copyTo(output, records);
              },
              close: () => undefined,
            };
          },
        },
        async () => copyTo(output, []),
      );
      await until(() => opened === 1);
      const usurper = await startPartitionGroup(
        logs[1],
        { topics: [input], group: uniqueName('group'), transactionalId },
        async () => copyTo(output, []),
      );
      await usurper.ready;
      await usurper.close();
      gate.open();
      await until(async () => (await readAll(logs[0], output)).length >= 3);
      expect(opened).toBeGreaterThan(1);
      expect(retried.length).toBeGreaterThan(0);
      expectEachOnce(await readAll(logs[0], input), await readAll(logs[0], output));
    });
  });
}

async function createTopicNamed(log: Log, name: string): Promise<void> {
  const settings = { 'max.message.bytes': '2097152' };
  await log.admin.ensureTopics([{ name, partitions: 1, settings }], { create: true });
}
