/** `headwater ingest`: a folder of one's own to a service that runs somewhere, over HTTP, as any client would do it. */
import { type ErrorCode, errorCodes, HeadwaterError } from '@headwater/errors';
import { type FolderProgress, ingestFolder } from '@headwater/ingest';
import { readSecret } from '@headwater/stream';
import { createIngestClient, type IngestClient } from '../story/ingest-client.ts';
import type { Console } from './console.ts';

export interface IngestOptions {
  readonly folder: string;
  readonly url: string;
  /** What the names of the sub-folders answer; undefined: they are no labels. */
  readonly task: string | undefined;
  readonly json: boolean;
}

const maxBytes = 32 * 1024 * 1024;
const inFlight = 32;

/** Resolves to 0 when at least one file was taken. Errors: request-invalid, those of the connection, the signal's reason. */
export async function ingest(options: IngestOptions, console: Console): Promise<number> {
  const client = createIngestClient({
    url: options.url,
    token: readSecret(console.environment, 'HEADWATER_TOKEN'),
  });
  try {
    const progress = await sendFolder(options, client, console);
    const reasons = Object.entries(progress.reasons).map(([reason, count]) => `${count} × ${reason}`);
    const passed = reasons.length === 0 ? '' : `; passed over: ${reasons.join(', ')}`;
    console.stderr.write(`${progress.accepted} images were taken${passed}\n`);
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
  { stdout, signal }: Console,
): Promise<FolderProgress> {
  const files = ingestFolder({
    root: folder,
    maxBytes,
    inFlight,
    signal,
    accept: async ({ bytes, label }) => {
      const labels = task === undefined || label === undefined ? undefined : { task, label };
      const outcome = await client.sendImage(bytes, 'folder', signal, labels);
      if (outcome.accepted) return outcome;
      throw refusal(outcome.reason);
    },
  });
  for (;;) {
    const next = await files.next();
    if (next.done) return next.value;
    if (!json) stdout.write(`${next.value.id}  ${next.value.path}\n`);
  }
}

/** Passed over and counted under the reason that the service gave. */
function refusal(reason: string): HeadwaterError {
  const code = reason in errorCodes ? (reason as ErrorCode) : 'request-invalid';
  return new HeadwaterError(code, `the service refused a file: ${reason}`, { verdict: 'dead-letter' });
}
