/** Checks labels and writes them to the log. */
import type { Codec, LabelAssigned } from '@headwater/schemas';
import { currentTrace } from '@headwater/service-kit';
import { type Clock, readTime } from '../intake/clock.ts';
import { checkAnnotator, checkImageId, checkLabel, checkTask } from '../intake/identifiers.ts';
import type { Sender } from '../intake/sender.ts';

/** A label from a client, unchecked. */
export interface LabelInput {
  readonly imageId: unknown;
  readonly task: unknown;
  /** null retracts. */
  readonly label: unknown;
  readonly assignedAt?: unknown;
  readonly annotator?: unknown;
}

export interface LabelWriter {
  /** Checks the input, and sets the time where it has none. Errors: request-invalid. */
  prepare(input: LabelInput): LabelAssigned;
  /** Resolves when they are in the log. Errors: overloaded, log-unavailable. */
  send(labels: readonly LabelAssigned[]): Promise<void>;
}

export interface LabelWriterOptions {
  readonly topic: string;
  readonly codec: Codec<LabelAssigned>;
  readonly sender: Sender;
  readonly clock: Clock;
  /** Maximum time ahead of the clock. */
  readonly maxSkewMs: number;
}

/** The annotator where the client names none. */
const defaultAnnotator = 'api';

const absent = (value: unknown) => value === undefined || value === null;

export function createLabelWriter(options: LabelWriterOptions): LabelWriter {
  const { topic, codec, sender, clock, maxSkewMs } = options;
  return {
    prepare({ imageId: id, task: name, label, assignedAt, annotator }) {
      const imageId = checkImageId(id);
      const task = checkTask(name);
      return {
        imageId,
        task,
        label: label === null ? null : checkLabel(label),
        assignedAt: absent(assignedAt) ? clock.next(`${task}/${imageId}`) : readTime(assignedAt, maxSkewMs),
        annotator: absent(annotator) ? defaultAnnotator : checkAnnotator(annotator),
      };
    },
    send: (labels) => {
      const trace = currentTrace();
      return sender.send(
        labels.map((label) => ({ topic, key: label.imageId, value: codec.encode(label), ...trace })),
      );
    },
  };
}
