/** What any way in accepts, the join accepts, and in the form of the class that it counts as. */
import { checkLabel, checkRow, checkSourceLabel, writtenAt } from '@headwater/classify';
import {
  createClock,
  createLabelWriter,
  loadLabels,
  readCsv,
  readImageFields,
  readJsonLines,
} from '@headwater/ingest';
import {
  classOfLabel,
  createFingerprintIds,
  labelProblem,
  openCodec,
  type VectorExtracted,
} from '@headwater/schemas';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const now = Date.now();
const written = writtenAt(now, now, 300_000);
const codec = await openCodec(createFingerprintIds(), 'LabelAssigned', 'labels');
const sender = { send: async () => {}, blocked: () => undefined, close: async () => {} };
const labelWriter = createLabelWriter({
  topic: 'labels',
  codec,
  sender,
  clock: createClock(),
  maxSkewMs: 60_000,
});

const piece = fc.constantFrom(
  'cat',
  '猫',
  'é',
  'e\u0301',
  '\u1100\u1161',
  ' ',
  '\u00a0',
  '\u200b',
  '\u00ad',
  '\ufeff',
  '\u200d',
  '\ufe0f',
  '👩',
  '"',
  ',',
  '\r',
  '\t',
  '\0',
  '\u2028',
  '.',
);
const text = fc.oneof(
  fc.array(piece, { maxLength: 5 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.tuple(piece, fc.integer({ min: 60, max: 300 })).map(([one, count]) => one.repeat(count)),
);
const time = fc.oneof(
  { weight: 4, arbitrary: fc.constant(now) },
  fc.constantFrom(undefined, -1, 0, now / 1_000, now * 1_000, now + 120_000),
  fc.integer(),
);
/** Mostly good, so that one odd part at a time decides. */
const mostly = (good: string) => fc.oneof({ weight: 3, arbitrary: fc.constant(good) }, text);
const statement = fc.record({
  task: mostly('digit'),
  label: fc.oneof(piece, text),
  assignedAt: time,
  annotator: mostly('ann'),
});
type Statement = { task: string; label: string; assignedAt?: number; annotator: string };

/** Each resolves to the label as it goes to the log, or rejects. */
const waysIn: Record<string, (given: Statement) => Promise<Statement>> = {
  'PUT and retractions': async (given) => labelWriter.prepare({ imageId: 'i', ...given }) as Statement,
  CSV: (given) => {
    const quote = (field: unknown) => `"${String(field ?? '').replaceAll('"', '""')}"`;
    const row = [given.task, given.label, given.assignedAt, given.annotator].map(quote).join();
    return loaded(readCsv, `imageId,task,label,assignedAt,annotator\ni,${row}\n`);
  },
  'JSON Lines': (given) => loaded(readJsonLines, `${JSON.stringify({ imageId: 'i', ...given })}\n`),
  'query and form': async ({ task, label, annotator: source }) => {
    const { labels = {}, source: annotator } = readImageFields({ task, label, source });
    const [[of, stated] = ['', '']] = Object.entries(labels);
    return { task: of, label: stated, assignedAt: now, annotator };
  },
  'an import of examples': async ({ task, label, assignedAt, annotator }) => {
    const header = { extractor: 'two.v1', task, dimensions: 2, examples: null, setDigest: null };
    const row = checkRow({ imageId: 'i', label, assignedAt, annotator, vector: [1, 0] }, header, 'row 1');
    // The header has a check of its own, and what is sent is the class.
    const isHeader = task === 'digit';
    return { ...row, task: isHeader ? task : 'digit', label: classOfLabel(row.label) };
  },
};

async function loaded(read: typeof readCsv, body: string): Promise<Statement> {
  const sent: Statement[] = [];
  const keeping = {
    ...labelWriter,
    send: async (labels: readonly object[]) => void sent.push(...(labels as Statement[])),
  };
  const chunks = async function* () {
    yield Buffer.from(body);
  };
  await loadLabels(read(chunks()), keeping);
  if (sent[0] === undefined) throw new Error('refused');
  return sent[0];
}

it.each(Object.keys(waysIn))('the join accepts every label that comes by %s', async (way) => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(statement, async (given) => {
      const sent = await waysIn[way]?.(given as Statement).catch(() => undefined);
      if (sent === undefined) return;
      accepted += 1;
      const label = { imageId: 'i', assignedAt: now, ...sent };
      checkLabel(label, 'i', written);
      const image = { receivedAt: now } as VectorExtracted;
      checkSourceLabel(label.task, label.label, image, written);
      expect(classOfLabel(label.label)).toBe(label.label);
    }),
    { numRuns: 400 },
  );
  expect(accepted).toBeGreaterThan(10);
});

it.each(Object.keys(waysIn))(
  'what comes by %s is refused where the rule of labels refuses it',
  async (way) => {
    await fc.assert(
      fc.asyncProperty(text, async (label) => {
        const given = { task: 'digit', label, assignedAt: now, annotator: 'ann' };
        const sent = await waysIn[way]?.(given).catch(() => undefined);
        // A line break ends a record of CSV, and a text of JSON cannot be cut there.
        if (way === 'CSV' && /[\n\ud800-\udfff]/.test(label)) return;
        expect(sent === undefined).toBe(labelProblem(label) !== undefined);
      }),
      { numRuns: 400 },
    );
  },
);
