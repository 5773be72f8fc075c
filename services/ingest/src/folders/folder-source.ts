/** Ingests SOURCE_FOLDER, where it is set. */
import { HeadwaterError } from '@headwater/errors';
import type { Logger } from '@headwater/log';
import type { IngestConfig } from '../environment.ts';
import { checkLabel, checkTask } from '../intake/identifiers.ts';
import type { Intake } from '../intake/intake.ts';
import { type FolderProgress, ingestFolder } from './folder-ingest.ts';

/** Reasons that need no warning. */
const expected: ReadonlySet<string> = new Set(['hidden', 'link', 'not-a-file', 'image-type-unsupported']);

export interface FolderSource {
  /** Resolves when the folder is finished or stopped. Errors: those of the folder and of the intake. */
  readonly ended: Promise<void>;
  stop(): void;
}

export function startFolderSource(config: IngestConfig, intake: Intake, logger: Logger): FolderSource {
  const { SOURCE_FOLDER: root, SOURCE_TASK, MAX_IMAGE_BYTES: maxBytes } = config;
  if (root === undefined) return { ended: Promise.resolve(), stop: () => {} };
  const task = SOURCE_TASK === undefined ? undefined : checkTask(SOURCE_TASK);
  const controller = new AbortController();
  const { signal } = controller;

  const run = async () => {
    const files = ingestFolder({
      root,
      maxBytes,
      signal,
      accept: ({ bytes, label }) =>
        intake.accept({
          bytes,
          source: 'folder',
          labels: task !== undefined && label !== undefined ? { [task]: checkLabel(label) } : {},
        }),
      onSkip: (file) => {
        const level = expected.has(file.reason) ? 'debug' : 'warn';
        logger[level]({ ...file }, 'skipped a file of SOURCE_FOLDER');
      },
      onConflict: (conflict) => {
        if (task === undefined) return;
        logger.warn({ ...conflict }, 'two identical files have different labels; using the later one');
      },
    });
    let progress: FolderProgress | undefined;
    for (let next = await files.next(); ; next = await files.next()) {
      if (!next.done) continue;
      progress = next.value;
      break;
    }
    logger.info({ ...progress }, 'finished SOURCE_FOLDER');
  };

  const ended = run().catch((error: unknown) => {
    if (signal.aborted) return;
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new HeadwaterError('config-invalid', 'cannot read SOURCE_FOLDER', { cause: error });
  });
  return { ended, stop: () => controller.abort() };
}
