import {
  createFingerprintIds,
  earliestTime,
  type LabelAssigned,
  labelProblem,
  openCodec,
} from '@headwater/schemas';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClock } from '../intake/clock.ts';
import type { Sender } from '../intake/sender.ts';
import { readCsv } from './csv.ts';
import { readJsonLines } from './json-lines.ts';
import type { LabelReader } from './label-reader.ts';
import { createLabelWriter, type LabelWriter } from './label-writer.ts';
import { loadLabels } from './load.ts';

const codec = await openCodec(createFingerprintIds(), 'LabelAssigned', 'labels');

function createSink(): LabelWriter & { readonly sent: LabelAssigned[] } {
  const sent: LabelAssigned[] = [];
  const sender: Sender = {
    async send(records) {
      for (const { value } of records) sent.push(await codec.decode(value ?? Buffer.alloc(0)));
    },
    blocked: () => undefined,
    close: async () => {},
  };
  const labelWriter = createLabelWriter({
    topic: 'labels',
    codec,
    sender,
    clock: createClock(),
    maxSkewMs: 60_000,
  });
  return { ...labelWriter, sent };
}

/** Cuts a text into chunks at the given places, in the midst of lines and of characters. */
async function* cut(text: string | Buffer, places: readonly number[] = []): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  const ends = [...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  let start = 0;
  for (const end of ends) {
    yield bytes.subarray(start, end);
    start = end;
  }
}

async function load(read: LabelReader, text: string | Buffer, places?: readonly number[]) {
  const labelWriter = createSink();
  const report = await loadLabels(read(cut(text, places)), labelWriter);
  return { report, sent: labelWriter.sent };
}

const label = fc.record({
  imageId: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:@+=,~-]{0,20}$/),
  task: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,10}$/),
  label: fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((text) => labelProblem(text) === undefined)
    .map((text) => text.normalize('NFC')),
  assignedAt: fc.integer({ min: earliestTime, max: Date.UTC(2026, 0, 1) }),
  annotator: fc.constantFrom('api', 'Zoë, "the" expert'),
});
const places = fc.array(fc.nat(), { maxLength: 10 });
const quote = (field: string | number) => `"${String(field).replaceAll('"', '""')}"`;

describe('CSV', () => {
  it('brings every label in as it was written, wherever the body is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(label), places, fc.constantFrom('\n', '\r\n'), async (labels, at, end) => {
        const rows = labels.map((row) =>
          [row.imageId, row.task, row.label, row.assignedAt, row.annotator].map(quote).join(','),
        );
        const text = [`imageId,task,label,assignedAt,annotator`, ...rows].join(end);
        const { report, sent } = await load(readCsv, text, at);
        expect(sent).toEqual(labels);
        expect(report).toEqual({ accepted: labels.length, rejected: 0, errors: [] });
      }),
    );
  });

  it('accepts columns in any order, a byte order mark, blank lines and empty fields', async () => {
    const { sent } = await load(
      readCsv,
      '\ufefflabel,annotator,imageId, task\n\n7,,a,digit\n8,zoe,b,digit\n',
    );
    expect(sent.map(({ assignedAt: _, ...rest }) => rest)).toEqual([
      { imageId: 'a', task: 'digit', label: '7', annotator: 'api' },
      { imageId: 'b', task: 'digit', label: '8', annotator: 'zoe' },
    ]);
  });

  it('takes a byte order mark for one at the very beginning alone: elsewhere it is a part of an id', async () => {
    const { sent } = await load(readCsv, '\ufeffimageId,task,label\n\ufeffa,digit,7\na,digit,7\n');
    expect(sent.map(({ imageId }) => imageId)).toEqual(['\ufeffa', 'a']);
  });

  it('reports invalid lines and accepts the others', async () => {
    const lines = [
      'imageId,task,label',
      'a,digit,1',
      'b,digit',
      'c,digit,3,4',
      ',digit,5',
      'd,digit,',
      `e,digit,${'x'.repeat(300)}`,
      'f,"di"git,7',
      `g,digit,${'y'.repeat(20_000)}`,
      'h,digit,9',
    ];
    const { report, sent } = await load(readCsv, lines.join('\n'), [40, 20_000]);
    expect(sent.map(({ imageId }) => imageId)).toEqual(['a', 'h']);
    expect(report).toMatchObject({ accepted: 2, rejected: 7 });
    expect(report.errors.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8, 9]);
  });

  it.each(['imageId,task\na,b\n', 'imageId,task,label,colour\n', 'a,digit,7\n', 'task,task,imageId,label\n'])(
    'refuses a header that does not fit: %j',
    async (text) => {
      await expect(load(readCsv, text)).rejects.toMatchObject({ code: 'request-invalid' });
    },
  );

  const rows = 'imageId,task,label\na,digit,7\n';
  it.each<[string, Buffer | string, string]>([
    ['semicolons', rows.replaceAll(',', ';'), 'the columns are separated by ";", not by commas'],
    ['tabs', rows.replaceAll(',', '\t'), 'the columns are separated by tabs, not by commas'],
    [
      'a separator line',
      `sep=,\n${rows}`,
      'the first line is "sep=,", which a spreadsheet has added: remove it',
    ],
    ['CR line ends', rows.replaceAll('\n', '\r'), 'lines end with CR alone; they must end with LF or CRLF'],
    ['long CR line ends', rows.replaceAll('\n', '\r').repeat(2_000), 'lines end with CR alone'],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${rows}`, 'utf16le'), 'the body is UTF-16; save it as UTF-8'],
    ['UTF-16 without a mark', Buffer.from(rows, 'utf16le'), 'the body is UTF-16; save it as UTF-8'],
    ['UTF-16 of big-endian order', Buffer.from(`\ufeff${rows}`, 'utf16le').swap16(), 'the body is UTF-16'],
    ['Latin-1', Buffer.from(`ü${rows}`, 'latin1'), 'the first line is not UTF-8'],
    ['no header', 'a,digit,7\n', 'the header is missing: the first line is "a,digit,7"'],
    ['a missing column', 'imageId,task\n', 'the header lacks label'],
    ['an unknown column', 'imageId,task,label,colour\n', 'the header has unknown columns: "colour"'],
    ['a column twice', 'imageId,task,label,task\n', 'the header names a column twice'],
  ])('names what was found instead of a header: %s', async (_, body, message) => {
    for (const places of [[], [1, 3, 20]]) {
      await expect(load(readCsv, body, places)).rejects.toMatchObject({
        code: 'request-invalid',
        message: expect.stringContaining(message),
      });
    }
  });

  it('takes nothing from an empty body', async () => {
    expect((await load(readCsv, '')).report).toEqual({ accepted: 0, rejected: 0, errors: [] });
  });

  it('survives any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), places, async (text, at) => {
        const { report, sent } = await load(readCsv, `imageId,task,label\n${text}`, at);
        return report.accepted === sent.length;
      }),
    );
  });
});

describe('JSON Lines', () => {
  it('brings every label in as it was written, wherever the body is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(label), places, async (labels, at) => {
        const { report, sent } = await load(
          readJsonLines,
          labels.map((row) => `${JSON.stringify(row)}\n`).join(''),
          at,
        );
        expect(sent).toEqual(labels);
        expect(report.rejected).toBe(0);
      }),
    );
  });

  it('reports invalid lines and accepts the others', async () => {
    const lines = [
      '{"imageId":"a","task":"digit","label":"1"}',
      '',
      'nonsense',
      '[1]',
      'null',
      '{"imageId":"b","task":"digit"}',
      '{"imageId":"c","task":"digit","label":7}',
      '{"imageId":"d","task":"digit","label":"1","colour":"red"}',
      `{"imageId":"e","task":"digit","label":"${'x'.repeat(20_000)}"}`,
      '{"imageId":"f","task":"digit","label":"1","assignedAt":99999999999999}',
      '{"imageId":"g","task":"digit","label":null,"assignedAt":"2026-01-01T00:00:00Z","annotator":"zoe"}',
    ];
    const bytes = Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), Buffer.from([0xff, 0xfe])]);
    const { report, sent } = await load(readJsonLines, bytes, [100, 10_000]);
    expect(sent).toMatchObject([
      { imageId: 'a', label: '1', annotator: 'api' },
      { imageId: 'g', label: null, annotator: 'zoe', assignedAt: Date.UTC(2026, 0, 1) },
    ]);
    expect(report.errors.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 12]);
  });

  it.each(['utf16le', 'cr'])('names a body that is no text of lines in UTF-8: %s', async (kind) => {
    const lines = '{"imageId":"a","task":"digit","label":"1"}\n'.repeat(3);
    const body = kind === 'cr' ? lines.replaceAll('\n', '\r') : Buffer.from(lines, 'utf16le');
    await expect(load(readJsonLines, body)).rejects.toMatchObject({ code: 'request-invalid' });
  });

  it('keeps the first hundred errors and counts the rest', async () => {
    const { report } = await load(readJsonLines, 'x\n'.repeat(1_000));
    expect(report).toMatchObject({ accepted: 0, rejected: 1_000 });
    expect(report.errors.length).toBe(100);
  });

  it('holds no more than a line, however long it is', async () => {
    let handed = 0;
    // Always the same one: memory grows only if it is kept or copied.
    const chunk = Buffer.alloc(64 * 1024, 'x');
    async function* endless() {
      for (; handed < 8_000; handed += 1) yield chunk;
    }
    const before = process.memoryUsage().rss;
    const report = await loadLabels(readJsonLines(endless()), createSink());
    expect(report).toMatchObject({ rejected: 1 });
    // 500 MiB passed through.
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  });
});

it('labels of one image and task get strictly increasing times', async () => {
  const { sent } = await load(readCsv, `imageId,task,label\n${'a,digit,1\n'.repeat(1_500)}`);
  expect(sent.length).toBe(1_500);
  expect(
    sent.every(({ assignedAt }, index) => index === 0 || assignedAt > (sent[index - 1]?.assignedAt ?? 0)),
  ).toBe(true);
});
