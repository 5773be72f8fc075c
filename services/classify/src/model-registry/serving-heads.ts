/** The serving heads, opened. A swap is one assignment, so that a prediction comes from exactly one head. */
import type { BlobStore } from '@headwater/blobs';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { type Classifier, openHead } from '@headwater/heads';
import type { Log, Logger } from '@headwater/log';
import type { Codec, HeadTrained } from '@headwater/schemas';
import type { Activation, HeadsTable } from './heads-table.ts';

export interface ServingHead {
  readonly task: string;
  readonly extractor: string;
  readonly kind: HeadTrained['kind'];
  readonly version: number;
  readonly digest: string;
  readonly measurements: HeadTrained['measurements'];
  readonly classifier: Classifier;
}

export interface ServingHeadsOptions {
  readonly table: HeadsTable;
  readonly log: Log;
  readonly headsTopic: string;
  readonly codec: Codec<HeadTrained>;
  readonly blobs: BlobStore;
  readonly logger: Logger;
  /** Called on every swap. */
  swapped?(head: ServingHead): void;
}

export class ServingHeads {
  readonly #options: ServingHeadsOptions;
  readonly #heads = new Map<string, ServingHead>();
  /** Tasks whose activated head could not be opened. */
  readonly #unopened = new Set<string>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ServingHeadsOptions) {
    this.#options = options;
  }

  get(task: string): ServingHead | undefined {
    return this.#heads.get(task);
  }

  tasks(): IterableIterator<string> {
    return this.#heads.keys();
  }

  /**
   * Opens the heads that the table activates for these tasks and for those that failed before. Calls run one
   * at a time, so that a slow head does not replace a later one. A head that cannot be opened leaves the
   * former one in place.
   */
  refresh(tasks: Iterable<string> = []): Promise<void> {
    const asked = [...tasks];
    this.#turn = this.#turn.then(async () => {
      for (const task of new Set([...asked, ...this.#unopened])) await this.#try(task);
    });
    return this.#turn;
  }

  async #try(task: string): Promise<void> {
    try {
      await this.#refreshOne(task);
      this.#unopened.delete(task);
    } catch (thrown) {
      const error = asHeadwaterError(thrown);
      if (error.verdict === 'retry') this.#unopened.add(task);
      this.#options.logger.error({ task, code: error.code, reason: error.message }, 'head cannot be opened');
    }
  }

  async #refreshOne(task: string): Promise<void> {
    const activation = this.#options.table.activation(task);
    if (activation === undefined) {
      this.#heads.delete(task);
      return;
    }
    const known = this.#options.table.head(activation, activation.version);
    if (known === undefined || isSame(this.#heads.get(task), activation, known.digest)) return;
    const trained = await this.#definition(activation);
    const { kind, extractor, version, digest, classes, dimensions, measurements } = trained;
    const parameters = await this.#parameters(trained);
    const classifier = openHead({ kind, classes, dimensions, parameters });
    const head = { task, extractor, kind, version, digest, measurements, classifier };
    this.#heads.set(task, head);
    this.#options.swapped?.(head);
  }

  /** The newest head is in memory; an older one is read again. */
  async #definition(activation: Activation): Promise<HeadTrained> {
    const { table, log, headsTopic, codec } = this.#options;
    const newest = table.newest(activation);
    if (newest?.version === activation.version) return newest;
    const known = table.head(activation, activation.version);
    if (known !== undefined) {
      const { partition, offset: from } = known;
      for await (const records of log.read({ topic: headsTopic, partition, from, to: from + 1n })) {
        const value = records[0]?.value;
        if (value !== null && value !== undefined) return await codec.decode(value);
      }
    }
    throw new HeadwaterError('head-invalid', 'the activated head is no longer in its topic');
  }

  async #parameters({ parameters }: HeadTrained): Promise<Uint8Array> {
    return parameters instanceof Uint8Array ? parameters : await this.#options.blobs.get(parameters);
  }
}

function isSame(head: ServingHead | undefined, activation: Activation, digest: string): boolean {
  return (
    head !== undefined &&
    head.extractor === activation.extractor &&
    head.kind === activation.kind &&
    head.version === activation.version &&
    head.digest === digest
  );
}
