/** The demo run of `headwater start`: sources, run, audit and terminal. */
export { interruptible } from './platform/interruptible.ts';
export { type LocalStack, openLocalStack } from './platform/platform.ts';
export { createIngestClient, type IngestClient } from './run/ingest-client.ts';
export { runAndReport } from './run/reporter.ts';
export { countRejection, createRunStatistics, type RunStatistics } from './run/run-statistics.ts';
export { describeSummary } from './run/summary.ts';
export type { ImageSource, SourceImage } from './sources/api.ts';
export { createDigitsSource } from './sources/digits.ts';
export { createFolderSource } from './sources/folder.ts';
export { encodePng } from './sources/png.ts';
export { createScreen, type Screen, type ScreenStream } from './terminal/screen.ts';
