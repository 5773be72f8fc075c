/** A snapshot of the heads of a cluster, to list, show, export and compare them. */
import { HeadwaterError } from '@headwater/errors';
import { type HeadTrained, openCodec } from '@headwater/schemas';
import type { ServiceDependencies } from '@headwater/service-kit';
import { type Activation, HeadsTable, type KnownHead } from './heads-table.ts';

export type ClusterClients = Pick<ServiceDependencies, 'log' | 'names' | 'schemaIds' | 'blobs' | 'logger'>;

/** An undefined field matches any head. */
export interface HeadFilter {
  readonly task?: string | undefined;
  readonly extractor?: string | undefined;
  readonly kind?: string | undefined;
  readonly version?: number | undefined;
}

/** A head with its parameters in memory, wherever they are stored. */
export type WholeHead = Omit<HeadTrained, 'parameters'> & { readonly parameters: Uint8Array };

export class HeadCatalog {
  readonly table: HeadsTable;
  readonly codecs: Awaited<ReturnType<typeof openHeadCodecs>>;
  readonly #clients: ClusterClients;

  /** Errors: topic-missing, log-unavailable. */
  static async read(clients: ClusterClients): Promise<HeadCatalog> {
    const catalog = new HeadCatalog(clients, await openHeadCodecs(clients));
    const { heads, serving } = clients.names.topics;
    for (const topic of [heads, serving]) await catalog.#readTopic(topic);
    return catalog;
  }

  private constructor(clients: ClusterClients, codecs: Awaited<ReturnType<typeof openHeadCodecs>>) {
    const { names, logger } = clients;
    this.#clients = clients;
    this.codecs = codecs;
    this.table = new HeadsTable({ topics: names.topics, ...codecs, logger });
  }

  /** Newest first in each task. */
  list(filter: HeadFilter = {}): KnownHead[] {
    const tasks = filter.task === undefined ? [...this.table.tasks()].sort() : [filter.task];
    return tasks.flatMap((task) => this.table.headsOf(task)).filter((head) => matches(head, filter));
  }

  activation(task: string): Activation | undefined {
    return this.table.activation(task);
  }

  isServing(head: KnownHead): boolean {
    const serving = this.activation(head.task);
    return (
      serving?.extractor === head.extractor && serving.kind === head.kind && serving.version === head.version
    );
  }

  /**
   * Selects one head: of the matches the serving one, else the newest. Errors: not-found; request-invalid
   * where matches belong to several tasks, or to several kinds of one version.
   */
  pick(filter: HeadFilter): KnownHead {
    const found = this.list(filter);
    const tasks = new Set(found.map(({ task }) => task));
    if (tasks.size > 1) ambiguous(`task (${[...tasks].join(', ')})`);
    if (filter.version !== undefined && found.length > 1) ambiguous('kind and extractor');
    const head = found.find((one) => this.isServing(one)) ?? found[0];
    if (head !== undefined) return head;
    throw new HeadwaterError('not-found', `no head matches (${describe(filter)})`);
  }

  /** Errors: not-found where the topic has dropped the head, blob-missing, blob-corrupt. */
  async open(head: KnownHead): Promise<WholeHead> {
    const { log, names, blobs } = this.#clients;
    const place = { topic: names.topics.heads, partition: head.partition };
    const range = { ...place, from: head.offset, to: head.offset + 1n };
    for await (const [record] of log.read(range)) {
      if (record?.value == null) break;
      const trained = await this.codecs.heads.decode(record.value);
      const { parameters } = trained;
      return {
        ...trained,
        parameters: parameters instanceof Uint8Array ? parameters : await blobs.get(parameters),
      };
    }
    throw new HeadwaterError('not-found', `version ${head.version} is no longer in ${place.topic}`);
  }

  async #readTopic(topic: string): Promise<void> {
    const { log } = this.#clients;
    const partitions = await log.admin.partitions(topic);
    if (partitions === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
    for (const [partition, { low, high }] of (await log.admin.offsets(topic)).entries()) {
      if (low >= high) continue;
      for await (const records of log.read({ topic, partition, to: high })) await this.table.apply(records);
    }
  }
}

async function openHeadCodecs({ schemaIds, names }: ClusterClients) {
  return {
    heads: await openCodec(schemaIds, 'HeadTrained', names.topics.heads),
    serving: await openCodec(schemaIds, 'HeadActivated', names.topics.serving),
  };
}

function matches(head: KnownHead, filter: HeadFilter): boolean {
  return (['task', 'extractor', 'kind', 'version'] as const).every(
    (field) => filter[field] === undefined || filter[field] === head[field],
  );
}

function ambiguous(what: string): never {
  throw new HeadwaterError('request-invalid', `several heads match; also give the ${what}`);
}

function describe(filter: HeadFilter): string {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => `${name} ${value}`).join(', ') || 'none at all';
}
