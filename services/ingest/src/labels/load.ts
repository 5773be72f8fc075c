/**
 * Writes the labels of a file in batches, one at a time: the body is read as fast as the log accepts records. Only
 * one batch and the first errors are in memory.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asHeadwaterError } from '@headwater/errors';
import type { LabelAssigned } from '@headwater/schemas';
import type { BulkLabelLine } from './label-reader.ts';
import type { LabelWriter } from './label-writer.ts';

interface LineError {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

export interface LoadReport {
  /** Labels that are in the log. */
  readonly accepted: number;
  readonly rejected: number;
  /** The first rejected lines. */
  readonly errors: readonly LineError[];
}

const BATCH = 500;
const MAX_ERRORS = 100;
const OVERLOADED_RETRIES = 50;
const OVERLOADED_PAUSE_MS = 100;

/** `onProgress` gets the counts after each batch. Errors: overloaded and log-unavailable, after retries. */
export async function loadLabels(
  lines: AsyncIterable<BulkLabelLine>,
  labelWriter: LabelWriter,
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
    await sendWithRetry(labelWriter, batch);
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
      batch.push(labelWriter.prepare(line.input));
    } catch (error) {
      reject(line.line, asHeadwaterError(error).message);
    }
    if (batch.length >= BATCH) await flush();
  }
  await flush();
  return { accepted, rejected, errors };
}

/** Retries while single requests fill the sender: they have priority over a bulk load. */
async function sendWithRetry(labelWriter: LabelWriter, batch: readonly LabelAssigned[]): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await labelWriter.send(batch);
    } catch (error) {
      if (asHeadwaterError(error).code !== 'overloaded' || attempt === OVERLOADED_RETRIES) throw error;
      await sleep(OVERLOADED_PAUSE_MS);
    }
  }
}
