/**
 * Writes missing records under the transactional id of the partition's owner. The outputs are read again once
 * that id is held, when no other process can write them, so that no record is written twice, however an
 * earlier repair ended.
 */
import { setTimeout } from 'node:timers/promises';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { LogTransactions } from '@headwater/log';
import { type FindingCounts, type FindingKind, findingKinds } from './findings.ts';
import type { Judge } from './judgement.ts';
import { requireStopped, transactionalIdOf } from './owners.ts';
import { RepairRecordFactory, type RepairRecordsOptions } from './repair-records.ts';
import type { Owner } from './suspect.ts';
import type { Kept, MissingOutputs } from './suspects.ts';

export interface RepairOptions extends RepairRecordsOptions {
  readonly extractors: readonly string[];
  readonly judge: Judge;
  readonly suspects: MissingOutputs;
}

/** Findings of one transaction, whose outputs are held in memory. */
const findingsAtOnce = 64;
const attempts = 5;
const pauseMs = 1_000;

/** Resolves to the repaired findings by kind. Errors: those of `audit`. */
export async function repairAll(options: RepairOptions): Promise<FindingCounts> {
  const { suspects, progress } = options;
  const counts = Object.fromEntries(findingKinds.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  const total = suspects.size;
  const settle = async (settled: readonly Kept[]) => {
    await suspects.drop(settled.map(({ key }) => key));
    // An undecided image is no finding, before or after its repair.
    for (const { judgement } of settled) if (judgement.undecided !== true) counts[judgement.kind]++;
    progress?.({ stage: 'repairing', done: total - suspects.size, total });
  };
  const records = await RepairRecordFactory.open(options);
  try {
    for (const owner of suspects.owners()) {
      await requireStopped(options.clients, options.extractors);
      await holding(options, owner, (transactions) =>
        repairOwned(options, { owner, records, transactions, settle }),
      );
    }
    return counts;
  } finally {
    await records.close();
  }
}

interface Owned {
  readonly owner: Owner;
  readonly records: RepairRecordFactory;
  readonly transactions: LogTransactions;
  /** Called with the repaired findings. */
  settle(settled: readonly Kept[]): Promise<void>;
}

async function repairOwned(options: RepairOptions, owned: Owned): Promise<void> {
  await options.tables.refresh();
  let chunk: Kept[] = [];
  for (const kept of options.suspects.of(owned.owner)) {
    chunk.push(kept);
    if (chunk.length < findingsAtOnce) continue;
    await repairChunk(options, owned, chunk);
    chunk = [];
  }
  await repairChunk(options, owned, chunk);
}

async function repairChunk(
  { judge, signal = new AbortController().signal }: RepairOptions,
  { records, transactions, settle }: Owned,
  chunk: readonly Kept[],
): Promise<void> {
  signal.throwIfAborted();
  const isOpen = ({ suspect }: Kept) => judge.judge(suspect) !== undefined;
  // Written by an earlier attempt of unknown outcome.
  await settle(chunk.filter((kept) => !isOpen(kept)));
  const made = await Promise.all(
    chunk.filter(isOpen).map(async (kept) => ({ kept, outputs: await records.of(kept, signal) })),
  );
  const outputs = made.flatMap((one) => one.outputs);
  if (outputs.length === 0) return;
  await transactions.commit(outputs);
  await settle(made.filter((one) => one.outputs.length > 0).map(({ kept }) => kept));
}

/** Repeats a commit of unknown outcome: then the outputs show it. */
async function holding(
  { clients, signal }: RepairOptions,
  owner: Owner,
  work: (transactions: LogTransactions) => Promise<void>,
): Promise<void> {
  const id = transactionalIdOf(clients, owner);
  for (let attempt = 1; ; attempt++) {
    const transactions = await clients.log.openTransactions(id);
    try {
      return await work(transactions);
    } catch (thrown) {
      const error = asHeadwaterError(thrown);
      if (error.code === 'log-fenced') throw takenOver(id, error);
      if (signal?.aborted === true || error.verdict !== 'retry' || attempt === attempts) throw thrown;
    } finally {
      await transactions.close();
    }
    await setTimeout(pauseMs * attempt, undefined, signal === undefined ? {} : { signal });
  }
}

function takenOver(id: string, cause: HeadwaterError): HeadwaterError {
  const message = `a service or another repair has taken over ${id}; stop it and run the repair again (repaired records stay)`;
  return new HeadwaterError('log-fenced', message, { verdict: 'stop', cause });
}
