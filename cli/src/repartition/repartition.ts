/**
 * Gives the topics of an installation other partitions. Kafka can neither rename a topic nor move its records, so each topic is copied to
 * one that stands in for it, made anew, and copied back. Every step is recorded: whatever ends the command, it goes on when it is
 * called again. Nothing is deleted before its copy was read and compared.
 */
import { randomUUID } from 'node:crypto';
import { type ClusterClients, resetWatermarks } from '@headwater/classify/exchange';
import { type ExampleSet, type OnProgress, readExampleSets } from '@headwater/classify/rebuild';
import { HeadwaterError } from '@headwater/errors';
import type { LogAdmin, TopicSpec } from '@headwater/log';
import { type CopyOptions, contentOf, copyTopic, rangesOf } from './copy.ts';
import { MovedPositions } from './moved-positions.ts';
import { isInPlace, type PlannedTopic, placeOf, planTopics, processedUpTo } from './plan.ts';
import { checkStopped, fenceWriters } from './preconditions.ts';
import { type Plan, ProgressTopic, type TopicProgress } from './progress-topic.ts';

export interface RepartitionOptions {
  readonly clients: Pick<ClusterClients, 'log' | 'names' | 'schemaIds'>;
  readonly extractors: readonly string[];
  readonly partitions: number;
  /** Where the command remembers what it did; a topic of this name is there until it has succeeded. */
  readonly progressTopic: string;
  /** A folder in it holds one digest an example while this runs. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly progress: OnProgress;
  /** Topics must not grow for so long before anything is moved; default 3 s. */
  readonly quietMs?: number;
  /** Tests end the command at any of its steps. */
  readonly stepped?: (topic: string, progress: TopicProgress) => void;
}

export interface RepartitionReport {
  readonly partitions: number;
  /** Goes on with what an earlier call began. */
  readonly isResumed: boolean;
  readonly topics: readonly {
    readonly name: string;
    readonly before: number;
    readonly partitions: number;
    readonly records: number;
  }[];
  /** The same before and after. */
  readonly sets: readonly ExampleSet[];
}

/** What would be done. Errors: log-unavailable, log-forbidden. */
export async function rehearse(options: RepartitionOptions): Promise<PlannedTopic[]> {
  const planned = await planTopics({ ...options, ...options.clients });
  const inPlace = await Promise.all(planned.map((topic) => isInPlace(options.clients.log, topic)));
  const spread = planned.filter(({ placedBy }) => placedBy !== 'single');
  // Positions of all topics change together: outputs name their sources by them.
  const isSpreadInPlace = spread.every((topic) => inPlace[planned.indexOf(topic)]);
  return planned.filter((topic, index) => (topic.placedBy === 'single' ? !inPlace[index] : !isSpreadInPlace));
}

/**
 * Errors: request-invalid while services run or anything writes, topic-mismatch where a copy differs (nothing is deleted then),
 * log-fenced where another command is at it, log-unavailable, the signal's reason.
 */
export async function repartition(options: RepartitionOptions): Promise<RepartitionReport> {
  const { clients, progressTopic, extractors } = options;
  await checkStopped({ ...options, ...clients });
  await fenceWriters(clients, extractors);
  const isResumed = (await clients.log.admin.partitions(progressTopic)) !== undefined;
  if (!isResumed && (await rehearse(options)).length === 0) {
    return { partitions: options.partitions, isResumed, topics: [], sets: [] };
  }
  const id = clients.names.transactionalId(progressTopic, 0);
  const state = await ProgressTopic.open(clients.log, progressTopic, id);
  try {
    return await new Repartition(options, state).run(isResumed);
  } finally {
    await state.close();
  }
}

class Repartition {
  readonly #options: RepartitionOptions;
  readonly #state: ProgressTopic;

  constructor(options: RepartitionOptions, state: ProgressTopic) {
    this.#options = options;
    this.#state = state;
  }

  async run(isResumed: boolean): Promise<RepartitionReport> {
    const plan = this.#state.plan ?? (await this.#begin());
    this.#checkPlan(plan);
    const places = new MovedPositions(plan.run);
    for (const topic of plan.topics) await this.#moveTopic(topic, places);
    for (const topic of plan.topics) await this.#setOffsets(topic);
    await resetWatermarks(this.#options.clients, this.#state.transactions);
    await this.#state.settle();
    this.#compareSets(plan.sets, await this.#readSets());
    await this.#state.remove();
    await untilGone(this.#options.clients.log.admin, this.#options.progressTopic, this.#options.signal);
    const topics = plan.topics.map(({ name, found, partitions }) => ({
      name,
      before: found.partitions,
      partitions,
      records: this.#state.topic(name).out?.records ?? 0,
    }));
    return { partitions: plan.partitions, isResumed, topics, sets: plan.sets };
  }

  async #begin(): Promise<Plan> {
    const topics = await rehearse(this.#options);
    const { partitions } = this.#options;
    for (const topic of topics) await this.#refuseStray(topic.name);
    for (const topic of topics) await processedUpTo(this.#options.clients.log, topic);
    const plan: Plan = { version: 1, run: randomUUID(), partitions, topics, sets: await this.#readSets() };
    await this.#state.begin(plan);
    return plan;
  }

  /** It may hold the only copy of what was in the topic. */
  async #refuseStray(topic: string): Promise<void> {
    const copy = temporaryCopyName(topic);
    if ((await this.#options.clients.log.admin.partitions(copy)) === undefined) return;
    const message = `topic ${copy} exists, and ${this.#options.progressTopic} does not say why; delete it if ${topic} is whole`;
    throw new HeadwaterError('topic-mismatch', message);
  }

  #checkPlan({ partitions }: Plan): void {
    if (partitions === this.#options.partitions) return;
    const message = `an earlier call began to move the topics to ${partitions} partitions; call it with --partitions ${partitions} first`;
    throw new HeadwaterError('request-invalid', message);
  }

  async #moveTopic(topic: PlannedTopic, places: MovedPositions): Promise<void> {
    const { log } = this.#options.clients;
    if (this.#state.topic(topic.name).step === 'out') await this.#copyOut(topic, places);
    if (this.#state.topic(topic.name).step === 'switch') await this.#makeAnew(topic);
    if (this.#state.topic(topic.name).step === 'back') await this.#copyBack(topic);
    await this.#dropStandIn(topic.name);
    const { out } = this.#state.topic(topic.name);
    if (out !== undefined && this.#isSource(topic)) await places.load(log, topic.name, rangesOf(out));
  }

  /** Outputs name records of these as what they came of. */
  #isSource({ name }: PlannedTopic): boolean {
    const { topics } = this.#options.clients.names;
    const { extractors } = this.#options;
    return [topics.images, topics.labels, ...extractors.map(topics.vectors)].includes(name);
  }

  async #copyOut(topic: PlannedTopic, places: MovedPositions): Promise<void> {
    const { log } = this.#options.clients;
    const { name } = topic;
    await log.admin.ensureTopics([temporaryCopySpec(topic)], { create: true });
    const out = await copyTopic(
      this.#copying({
        from: name,
        to: temporaryCopyName(name),
        processed: await processedUpTo(log, topic),
        place: (record) => placeOf(record, topic),
        headers: (record) => places.headersOf(record),
        commit: (records, progress) => this.#advance(name, { step: 'out', out: progress }, records),
      }),
      this.#state.topic(name).out,
    );
    await this.#compare(temporaryCopyName(name), out);
    await this.#advance(name, { step: 'switch', out: { ...out, isDone: true } });
  }

  /** The topic that is there is the old one, or an empty one of a call that was ended here. */
  async #makeAnew({ name, found, partitions }: PlannedTopic): Promise<void> {
    const { admin } = this.#options.clients.log;
    if ((await admin.partitions(name)) !== undefined) await admin.deleteTopics([name]);
    await untilGone(admin, name, this.#options.signal);
    await admin.ensureTopics([{ ...found, partitions }], { create: true });
    await this.#advance(name, { ...this.#state.topic(name), step: 'back' });
  }

  async #copyBack({ name }: PlannedTopic): Promise<void> {
    const { out, back: former } = this.#state.topic(name);
    if (out?.processedInTarget === undefined) throw new HeadwaterError('unexpected', `${name} has no copy`);
    const back = await copyTopic(
      this.#copying({
        from: temporaryCopyName(name),
        to: name,
        processed: out.processedInTarget.map(BigInt),
        place: ({ partition }) => partition,
        headers: ({ headers }) => headers,
        commit: (records, progress) => this.#advance(name, { step: 'back', out, back: progress }, records),
      }),
      former,
    );
    if (back.digest !== out.digest) throw differs(name, temporaryCopyName(name));
    await this.#advance(name, { step: 'done', out, back: { ...back, isDone: true } });
  }

  async #dropStandIn(topic: string): Promise<void> {
    const { admin } = this.#options.clients.log;
    const copy = temporaryCopyName(topic);
    if ((await admin.partitions(copy)) === undefined) return;
    await admin.deleteTopics([copy]);
    await untilGone(admin, copy, this.#options.signal);
  }

  #copying(
    own: Pick<CopyOptions, 'from' | 'to' | 'processed' | 'place' | 'headers' | 'commit'>,
  ): CopyOptions {
    const { clients, signal, progress } = this.#options;
    const stage = `copying ${own.from}`;
    return {
      ...own,
      log: clients.log,
      settle: () => this.#state.settle(),
      signal,
      progress: (done, total) => progress({ stage, done, total }),
    };
  }

  async #advance(
    name: string,
    progress: TopicProgress,
    records: Parameters<CopyOptions['commit']>[0] = [],
  ): Promise<void> {
    await this.#state.advance(name, progress, records);
    this.#options.stepped?.(name, progress);
    this.#options.signal.throwIfAborted();
  }

  async #compare(
    copy: string,
    expected: { readonly records: number; readonly digest: string },
  ): Promise<void> {
    const { clients, signal } = this.#options;
    const found = await contentOf(clients.log, copy, signal);
    if (found.records !== expected.records || found.digest !== expected.digest) throw differs(copy);
  }

  /** Kafka forgets the offsets of a deleted topic in its own time, hence not right after that. */
  async #setOffsets({ name, groups }: PlannedTopic): Promise<void> {
    const { admin } = this.#options.clients.log;
    const ends = this.#state.topic(name).back?.processedInTarget ?? [];
    const offsets = new Map(ends.map((end, partition) => [partition, BigInt(end)]));
    for (const group of groups) await admin.commit(group, name, offsets);
  }

  #readSets(): Promise<ExampleSet[]> {
    return readExampleSets(this.#options);
  }

  #compareSets(before: readonly ExampleSet[], after: readonly ExampleSet[]): void {
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    const context = { before: JSON.stringify(before), after: JSON.stringify(after) };
    const message = `the training sets differ from those before: ${context.before} before, ${context.after} after; rebuild the examples with headwater backfill --from vectors`;
    throw new HeadwaterError('topic-mismatch', message, { context });
  }
}

const temporaryCopyName = (topic: string) => `${topic}.repartition`;
/** A copy carries a header more. */
const headroom = 65_536;

/** Keeps every record, whatever its age. */
function temporaryCopySpec({ name, partitions, found }: PlannedTopic): TopicSpec {
  const { 'max.message.bytes': limit = '1048588', 'min.insync.replicas': inSync } = found.settings;
  return {
    name: temporaryCopyName(name),
    partitions,
    ...(found.replicationFactor === undefined ? {} : { replicationFactor: found.replicationFactor }),
    settings: {
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
      'retention.bytes': '-1',
      'max.message.bytes': String(Number(limit) + headroom),
      ...(inSync === undefined ? {} : { 'min.insync.replicas': inSync }),
    },
  };
}

function differs(copy: string, of?: string): HeadwaterError {
  const message = `${copy} does not hold what ${of ?? 'its source'} holds; nothing was deleted: delete ${copy} and the progress topic, and try again`;
  return new HeadwaterError('topic-mismatch', message);
}

const pauseMs = 50;

/** Brokers hear of it one after the other. */
async function untilGone(admin: LogAdmin, topic: string, signal: AbortSignal): Promise<void> {
  for (let looks = 0; looks < 2; ) {
    signal.throwIfAborted();
    looks = (await admin.partitions(topic)) === undefined ? looks + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
