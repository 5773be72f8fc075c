/** Decodes records of `examples`; an unreadable one is a dead letter. */
import { asDeadLetter, HeadwaterError } from '@headwater/errors';
import { type LogRecord, partitionFor } from '@headwater/log';
import { type Codec, classOfLabel, compositeKey, type Example, parseCompositeKey } from '@headwater/schemas';
import { checkTask } from '../../join/record-checks.ts';
import { Draft } from '../../store/state.ts';
import type { TrainingSetSettingsOf } from '../training-set-settings.ts';
import { recordErasure } from './erasures.ts';
import { applyExample, type ExampleUpdate, type SetChange } from './trainer-state.ts';

export interface ExampleReaderOptions {
  readonly settingsOf: TrainingSetSettingsOf;
  readonly examples: Codec<Example>;
  readonly partition: number;
  readonly partitions: number;
}

export class ExampleReader {
  readonly #options: ExampleReaderOptions;

  constructor(options: ExampleReaderOptions) {
    this.#options = options;
  }

  /** Errors: record-invalid, and what the codec throws. */
  async read(record: LogRecord): Promise<ExampleUpdate> {
    const key = record.key?.toString('utf8') ?? '';
    const [extractor, task, imageId, ...rest] = parseCompositeKey(key);
    if (!extractor || !task || !imageId || rest.length > 0) {
      throw invalid('the key is not extractor/task/image id');
    }
    checkTask(task);
    const { examples, partition, partitions } = this.#options;
    if (partitionFor(task, partitions) !== partition)
      throw invalid('the example is not in the partition of its task');
    if (record.value === null) return { extractor, task, imageId, example: null };
    const example = await examples.decode(record.value);
    if (compositeKey(example.extractor, example.task, example.imageId) !== key) {
      throw invalid('the key does not match the example');
    }
    const { group, vector, assignedAt } = example;
    if (example.label === null) return { extractor, task, imageId, example: null };
    const label = classOfLabel(example.label);
    return { extractor, task, imageId, example: { imageId, label, group, vector, assignedAt } };
  }

  /** The state transition of one record, applied whole or not at all. */
  async learn(record: LogRecord, draft: Draft): Promise<SetChange | undefined> {
    const news = await this.read(record);
    const inner = new Draft(draft);
    const change = applyExample(inner, news, this.#options.settingsOf(news.task));
    if (record.value === null) recordErasure(inner, news, record.offset);
    draft.absorb(inner);
    return change;
  }

  /**
   * Replays processed records and skips the dead letters among them. Returns the changes of the sets, in
   * order.
   */
  async replay(records: readonly LogRecord[], draft: Draft): Promise<SetChange[]> {
    const changes: SetChange[] = [];
    for (const record of records) {
      try {
        const change = await this.learn(record, draft);
        if (change !== undefined) changes.push(change);
      } catch (error) {
        asDeadLetter(error);
      }
    }
    return changes;
  }
}

function invalid(message: string): HeadwaterError {
  return new HeadwaterError('record-invalid', message);
}
