/**
 * The topics `heads` and `serving` as a table in memory: the heads, and the activation of each task. Only the
 * newest head keeps its parameters; those of an older one are read again on its activation.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Logger, LogRecord } from '@headwater/log';
import {
  type Codec,
  type HeadActivated,
  type HeadKind,
  type HeadTrained,
  parseCompositeKey,
} from '@headwater/schemas';
import { checkTask } from '../join/record-checks.ts';

/** A head without its parameters, and its place in the log. */
export interface KnownHead extends Omit<HeadTrained, 'parameters'> {
  readonly partition: number;
  readonly offset: bigint;
  /** URI of parameters that are not in the record. */
  readonly blob?: string;
}

export interface Activation extends HeadActivated {
  /** A champion overwrote the pin unknowingly: the pin must be written again. */
  readonly shadowed: boolean;
}

/** Identifies a head series of a task. */
export interface HeadSeriesName {
  readonly extractor: string;
  readonly task: string;
  readonly kind: HeadKind;
}

/** Set on the record that ends a pin; a champion without it does not end one. */
export const unpinHeader = 'headwater.unpin';

/** Heads of a series that are kept, besides the serving one. */
export const retainedVersions = 20;

export interface HeadsTableOptions {
  readonly topics: { readonly heads: string; readonly serving: string };
  readonly heads: Codec<HeadTrained>;
  readonly serving: Codec<HeadActivated>;
  readonly logger: Logger;
  /** Called with the URI of parameters that no head needs any more. */
  forgotten?(uri: string): void;
}

interface SeriesVersions {
  readonly versions: Map<number, KnownHead>;
  newest: HeadTrained | undefined;
  /** Includes deleted versions, since no version is given twice. */
  highest: number;
}

export class HeadsTable {
  readonly #options: HeadsTableOptions;
  readonly #series = new Map<string, SeriesVersions>();
  readonly #serving = new Map<string, Activation>();
  /** Last applied offset by topic and partition: two readers may deliver the same records. */
  readonly #applied = new Map<string, bigint>();

  constructor(options: HeadsTableOptions) {
    this.#options = options;
  }

  /** Idempotent. Returns the tasks of the records. */
  async apply(records: readonly LogRecord[]): Promise<Set<string>> {
    const tasks = new Set<string>();
    for (const record of records) {
      const task = await this.#applyOne(record).catch((error: unknown) => this.#skip(record, error));
      if (task !== undefined) tasks.add(task);
    }
    return tasks;
  }

  activation(task: string): Activation | undefined {
    return this.#serving.get(task);
  }

  activeTasks(): IterableIterator<string> {
    return this.#serving.keys();
  }

  head(series: HeadSeriesName, version: number): KnownHead | undefined {
    return this.#series.get(seriesKey(series))?.versions.get(version);
  }

  /** The newest head of a series, with its parameters. */
  newest(series: HeadSeriesName): HeadTrained | undefined {
    return this.#series.get(seriesKey(series))?.newest;
  }

  /** The highest version that a series has had; 0 for none. */
  highestVersion(series: HeadSeriesName): number {
    return this.#series.get(seriesKey(series))?.highest ?? 0;
  }

  /** All known heads of a task, newest first. */
  headsOf(task: string): KnownHead[] {
    const known = [...this.#series.values()].flatMap(({ versions }) => [...versions.values()]);
    return known
      .filter((head) => head.task === task)
      .sort((a, b) => b.trainedAt - a.trainedAt || b.version - a.version);
  }

  /** Every task that has a head or an activation. */
  tasks(): Set<string> {
    const tasks = new Set(this.#serving.keys());
    for (const { versions } of this.#series.values())
      for (const { task } of versions.values()) tasks.add(task);
    return tasks;
  }

  async #applyOne(record: LogRecord): Promise<string | undefined> {
    const source = `${record.topic}/${record.partition}`;
    if (record.key === null || record.offset <= (this.#applied.get(source) ?? -1n)) return undefined;
    this.#applied.set(source, record.offset);
    const key = record.key.toString('utf8');
    if (record.topic === this.#options.topics.serving) return this.#applyServing(key, record);
    if (record.topic !== this.#options.topics.heads) return undefined;
    if (record.value === null) return this.#forget(key);
    const head = await this.#options.heads.decode(record.value);
    checkHead(head);
    this.#learn(head, record);
    return head.task;
  }

  async #applyServing(task: string, record: LogRecord): Promise<string> {
    if (record.value === null) {
      this.#serving.delete(task);
      return task;
    }
    const activated = await this.#options.serving.decode(record.value);
    checkTask(task);
    if (activated.task !== task) throw new HeadwaterError('record-invalid', 'the key is not the task');
    const former = this.#serving.get(task);
    const overPin = former?.reason === 'pinned' && activated.reason === 'champion';
    if (overPin && record.headers[unpinHeader] === undefined) {
      this.#serving.set(task, { ...former, shadowed: true });
    } else {
      this.#serving.set(task, { ...activated, shadowed: false });
    }
    return task;
  }

  #learn(trained: HeadTrained, record: LogRecord): void {
    const series = this.#seriesNamed(trained);
    const { parameters, ...head } = trained;
    const blob = parameters instanceof Uint8Array ? {} : { blob: parameters.uri };
    series.versions.set(head.version, {
      ...head,
      ...blob,
      partition: record.partition,
      offset: record.offset,
    });
    series.highest = Math.max(series.highest, head.version);
    if (trained.version >= (series.newest?.version ?? 0)) series.newest = trained;
    this.#dropOld(series, trained);
  }

  #dropOld(series: SeriesVersions, { task, version }: HeadTrained): void {
    const serving = this.#serving.get(task)?.version;
    for (const known of series.versions.keys()) {
      if (known <= version - 2 * retainedVersions && known !== serving) series.versions.delete(known);
    }
  }

  #forget(key: string): string | undefined {
    const [extractor, task, kind, version] = parseCompositeKey(key);
    if (extractor === undefined || task === undefined || kind === undefined) return undefined;
    const series = this.#seriesNamed({ extractor, task, kind: kind as HeadKind });
    series.highest = Math.max(series.highest, Number(version) || 0);
    const blob = series.versions.get(Number(version))?.blob;
    series.versions.delete(Number(version));
    if (series.newest?.version === Number(version)) series.newest = undefined;
    if (blob !== undefined && !this.#needs(blob)) this.#options.forgotten?.(blob);
    return task;
  }

  #seriesNamed(name: HeadSeriesName): SeriesVersions {
    const key = seriesKey(name);
    const series = this.#series.get(key) ?? { versions: new Map(), newest: undefined, highest: 0 };
    this.#series.set(key, series);
    return series;
  }

  /** Heads with equal parameters share a blob. */
  #needs(blob: string): boolean {
    const seriesList = [...this.#series.values()];
    return seriesList.some(({ versions }) => [...versions.values()].some((head) => head.blob === blob));
  }

  /** An unreadable record must not stop every process; its head never serves. */
  #skip(record: LogRecord, error: unknown): undefined {
    const fields = { topic: record.topic, partition: record.partition, offset: String(record.offset) };
    this.#options.logger.error({ ...fields, reason: String(error) }, 'skipped a record of the heads table');
    return undefined;
  }
}

/** The largest int of Avro that has a successor. */
const highestVersion = 2 ** 31 - 2;

/**
 * Rejects numbers that no trainer writes, with which versions and the API could not go on. Errors:
 * record-invalid.
 */
function checkHead(head: HeadTrained): void {
  const { task, version, arithmetic, watermark, dimensions, examples, temperature, regularization } = head;
  checkTask(task);
  const isCounted = [watermark, dimensions, examples].every((count) => count >= 0);
  const isMeasured = Number.isFinite(temperature) && Number.isFinite(regularization ?? 0);
  if (isCounted && isMeasured && version >= 1 && version <= highestVersion && arithmetic >= 1) return;
  throw new HeadwaterError('record-invalid', 'the head has invalid numbers');
}

function seriesKey({ extractor, task, kind }: HeadSeriesName): string {
  return JSON.stringify([extractor, task, kind]);
}
