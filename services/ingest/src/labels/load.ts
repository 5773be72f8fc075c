/**
 * Sends the labels of a file on in batches, one under way at a time: the log sets the pace, the client feels it as a
 * body that is read no faster. Nothing but a batch and the first errors is held.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asHeadwaterError } from '@headwater/errors';
import type { LabelAssigned } from '@headwater/schemas';
import type { BulkLabelLine } from './label-reader.ts';
import type { LabelWriter } from './label-writer.ts';

export interface LineError {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

export interface LoadReport {
  /** Labels that are safe in the log. */
  readonly accepted: number;
  readonly rejected: number;
  /** The first of them. */
  readonly errors: readonly LineError[];
}

const BATCH = 500;
const MAX_ERRORS = 100;
const OVERLOADED_RETRIES = 50;
const OVERLOADED_PAUSE_MS = 100;

/** `report` is of the lines so far also when this throws: overloaded or log-unavailable, for good. */
export async function loadLabels(
  lines: AsyncIterable<BulkLabelLine>,
  sink: LabelWriter,
  onProgress: (report: LoadReport) => void = () => {},
): Promise<LoadReport> {
  const errors: LineError[] = [];
  let [accepted, rejected] = [0, 0];
  let batch: LabelAssigned[] = [];

  const reject = (line: number, reason: string) => {
    rejected += 1;
    if (errors.length < MAX_ERRORS) errors.push({ line, reason });
  };
  const flush = async () => {
    if (batch.length === 0) return;
    await sendPatiently(sink, batch);
    accepted += batch.length;
    batch = [];
    onProgress({ accepted, rejected, errors });
  };

  for await (const line of lines) {
    if ('reason' in line) {
      reject(line.line, line.reason);
      continue;
    }
    try {
      batch.push(sink.prepare(line.input));
    } catch (error) {
      reject(line.line, asHeadwaterError(error).message);
    }
    if (batch.length >= BATCH) await flush();
  }
  await flush();
  return { accepted, rejected, errors };
}

/** A bulk load gives way to single requests: where they fill the sender it waits a while, but not for ever. */
async function sendPatiently(sink: LabelWriter, batch: readonly LabelAssigned[]): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await sink.send(batch);
    } catch (error) {
      if (asHeadwaterError(error).code !== 'overloaded' || attempt === OVERLOADED_RETRIES) throw error;
      await sleep(OVERLOADED_PAUSE_MS);
    }
  }
}
