/** `headwater ingest`: sends a folder to a running service over HTTP. */
import { readdir } from 'node:fs/promises';
import { type ErrorCode, errorCodes, HeadwaterError } from '@headwater/errors';
import { type FolderProgress, ingestFolder, namedSkips, type SkippedFile } from '@headwater/ingest';
import { createIngestClient, type IngestClient } from '@headwater/ingest/client';
import { readSecret } from '@headwater/service-kit';
import type { Console } from '../terminal/console.ts';

export interface IngestOptions {
  readonly folder: string;
  readonly url: string;
  /** The task of the labels that sub-folders name; undefined: no labels. */
  readonly task: string | undefined;
  readonly json: boolean;
}

const maxBytes = 32 * 1024 * 1024;
const inFlight = 32;

/** Resolves to 0 when at least one file was accepted. Errors: request-invalid where the folder cannot be read, those of the connection, the signal's reason. */
export async function ingest(options: IngestOptions, console: Console): Promise<number> {
  const client = createIngestClient({
    url: options.url,
    token: readSecret(console.environment, 'HEADWATER_TOKEN'),
  });
  try {
    const progress = await sendFolder(options, client, console);
    const reasons = Object.entries(progress.reasons).map(([reason, count]) => `${count} × ${reason}`);
    const passed = reasons.length === 0 ? '' : `; skipped: ${reasons.join(', ')}`;
    const conflicts = options.task === undefined ? 0 : progress.conflicts;
    const twice = conflicts === 0 ? '' : `; ${conflicts} are identical to a file with another label`;
    console.stderr.write(`${progress.accepted} images accepted${passed}${twice}\n`);
    if (options.json) console.stdout.write(`${JSON.stringify(progress)}\n`);
    return progress.accepted > 0 ? 0 : 1;
  } finally {
    client.close();
  }
}

/** Ids go to standard output, one a line, as soon as they are known. */
async function sendFolder(
  { folder, task, json }: IngestOptions,
  client: IngestClient,
  { stdout, stderr, signal }: Console,
): Promise<FolderProgress> {
  const say = firstLines((line) => stderr.write(`${line}\n`));
  await requireFolder(folder);
  const files = ingestFolder({
    root: folder,
    maxBytes,
    inFlight,
    signal,
    onSkip: (file) => say(skipLine(file)),
    onConflict: ({ path, label, former }) => {
      if (task === undefined) return;
      say(`${path}: identical bytes had the label ${former}; using the later label, ${label}`);
    },
    accept: async ({ bytes, label }) => {
      const labels = task === undefined || label === undefined ? undefined : { task, label };
      const outcome = await client.sendImage(bytes, 'folder', signal, labels);
      if (outcome.accepted) return outcome;
      throw refusal(outcome.reason, outcome.detail);
    },
  });
  for (;;) {
    const next = await files.next();
    if (next.done) return next.value;
    if (!json) stdout.write(`${next.value.id}  ${next.value.path}\n`);
  }
}

/** Errors: request-invalid. */
async function requireFolder(folder: string): Promise<void> {
  await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    const message = `cannot read the folder ${folder} (${cause.code ?? 'unknown'})`;
    throw new HeadwaterError('request-invalid', message, { cause, verdict: 'stop' });
  });
}

/** Undefined for files that are not meant to be images. */
function skipLine({ path, reason, detail }: SkippedFile): string | undefined {
  if (['hidden', 'link', 'not-a-file'].includes(reason)) return undefined;
  return `skipped ${path}: ${reason}${detail === undefined ? '' : ` (${detail})`}`;
}

/** Prints the first lines, without control characters; later ones are counted alone. */
function firstLines(print: (line: string) => void): (line: string | undefined) => void {
  let left = namedSkips;
  return (line) => {
    if (line === undefined || left < 0) return;
    print(left === 0 ? 'further files are counted below' : line.replace(/\p{Cc}/gu, '\ufffd'));
    left -= 1;
  };
}

/** The error of a rejected image, with the reason of the service. */
function refusal(reason: string, detail = reason): HeadwaterError {
  const code = reason in errorCodes ? (reason as ErrorCode) : 'request-invalid';
  return new HeadwaterError(code, detail, { verdict: 'dead-letter' });
}
