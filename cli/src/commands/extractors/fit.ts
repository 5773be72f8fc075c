/** `headwater extractor fit` and `merge`: fit the links of a chain to a sample. */
import { type FitOptions, fitChain, fitPart, mergeParts } from '@headwater/extractor-pipelines';
import type { Console } from '../../terminal/console.ts';
import { createProgressLines } from '../../terminal/progress-lines.ts';
import { withSamples } from './samples.ts';

export interface FitCommandOptions {
  readonly from: readonly string[];
  readonly limit?: number;
  readonly again: boolean;
  readonly part?: string;
  readonly json: boolean;
}

export interface MergeCommandOptions {
  readonly json: boolean;
}

/** Maximum skipped records that are named; the others are counted alone. */
const namedSkips = 10;

function countSkips(say: (line: string) => void) {
  let skipped = 0;
  return {
    skip: (name: string, { message, code }: { readonly message: string; readonly code: string }) => {
      skipped += 1;
      if (skipped <= namedSkips) say(`skipped ${name}: ${message} (${code})`);
    },
    report: () => {
      if (skipped > namedSkips) say(`skipped ${skipped} records over all passes`);
    },
  };
}

export async function fit(file: string, options: FitCommandOptions, console: Console): Promise<number> {
  const { limit, again, part } = options;
  const progress = createProgressLines(console.stderr);
  const say = (line: string) => {
    progress.end();
    console.stderr.write(`${line}\n`);
  };
  const skips = countSkips(say);
  let pass = 0;
  const work = (samples: FitOptions['samples']) => {
    const fitting: FitOptions = {
      samples,
      signal: console.signal,
      ...(limit !== undefined && { limit }),
      onSkip: skips.skip,
      onProgress: (now) => {
        if (now.pass > pass) say(`pass ${now.pass}: ${now.links.join(', ')}`);
        pass = now.pass;
        const total = now.total === undefined ? {} : { total: now.total };
        progress.show({ stage: `pass ${pass}`, done: now.records + now.skipped, ...total });
      },
    };
    return part === undefined ? fitWhole(file, fitting, again) : fitShare(file, part, fitting);
  };
  try {
    const { report, text } = await withSamples(options.from, console, work);
    skips.report();
    console.stdout.write(`${options.json ? JSON.stringify(report) : text}\n`);
    return 0;
  } finally {
    progress.end();
  }
}

interface Outcome {
  readonly report: object;
  readonly text: string;
}

async function fitWhole(file: string, options: FitOptions, again: boolean): Promise<Outcome> {
  const report = await fitChain(file, options, again);
  if (report.fitted.length === 0) {
    const text = `${report.id}: nothing is left to learn; --again learns anew (and gives other vectors: best under a new id)`;
    return { report, text };
  }
  const lines = report.fitted.map(linkLine);
  return { report, text: [`${report.id}: learned, kept in ${report.path}`, ...lines].join('\n') };
}

async function fitShare(file: string, out: string, options: FitOptions): Promise<Outcome> {
  const report = { ...(await fitPart(file, out, options)), part: out };
  const lines = report.links.map(({ place, records }) => `  ${place}: ${records} records`);
  const next = `next: headwater extractor merge ${file} ${out} …`;
  return { report, text: [`${report.id}: a part is in ${out}`, ...lines, next].join('\n') };
}

interface LinkReport {
  readonly place: string;
  readonly method: string;
  readonly records: number;
  readonly digest: string;
}

function linkLine({ place, method, records, digest }: LinkReport): string {
  return `  ${place} ${method}: ${records} records, digest ${digest}`;
}

export async function merge(
  file: string,
  parts: readonly string[],
  { json }: MergeCommandOptions,
  console: Console,
): Promise<number> {
  const report = await mergeParts(file, parts);
  const next =
    report.next.length === 0
      ? 'all links have learned'
      : `these learn next, in parts of another round: ${report.next.join(', ')}`;
  const lines = [`${report.id}: merged, kept in ${report.path}`, ...report.fitted.map(linkLine), next];
  console.stdout.write(`${json ? JSON.stringify(report) : lines.join('\n')}\n`);
  return 0;
}
