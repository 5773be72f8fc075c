/**
 * A head as one JSON file for another cluster: all that predicts, and its provenance, with digests that
 * reveal any alteration.
 */
import { createHash } from 'node:crypto';
import { HeadwaterError } from '@headwater/errors';
import { digestHead, type Head, openHead } from '@headwater/heads';
import { z } from 'zod';
import { trainedKinds } from '../../environment.ts';
import type { WholeHead } from '../../model-registry/head-catalog.ts';

const format = 'headwater-head';
/** Version 2 states the arithmetic of the head; heads of version 1 have the first. */
const formatVersion = 2;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const fields = z.strictObject({
  format: z.literal(format),
  formatVersion: z.literal([1, formatVersion]),
  extractor: z.string().min(1),
  task: z.string().min(1),
  kind: z.enum(trainedKinds),
  mode: z.enum(['provisional', 'settled']),
  /** The version in the cluster of origin. */
  version: count,
  watermark: count,
  trainedAt: count,
  classes: z.array(z.string()).min(1),
  dimensions: count.min(1),
  examples: count.min(1),
  regularization: z.number().nullable(),
  temperature: z.number(),
  measurements: z.record(z.string(), z.number()),
  /** SHA-256 over kind, mode, classes and parameters, as in the topic. */
  digest: sha256,
  /** Of the training set that the head learned. */
  setDigest: sha256,
  /** Absent in files of version 1. */
  arithmetic: count.min(1).optional(),
  parameters: z.base64(),
});

const schema = fields.extend({ checksum: sha256 });

export type HeadFile = z.infer<typeof schema>;

/** Errors: head-invalid where the head does not match its digest. */
export function encodeHeadFile(head: WholeHead): string {
  const { parameters, ...rest } = head;
  const text = Buffer.from(parameters).toString('base64');
  const body = { format, formatVersion, ...rest, classes: [...head.classes], parameters: text };
  const ordered = fields.parse(body);
  checkDigest(ordered);
  const file: HeadFile = { ...ordered, checksum: checksumOf(ordered) };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Checks everything in the file, and opens the head. Errors: head-invalid, with the reason. */
export function decodeHeadFile(text: string): HeadFile {
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) invalid(describeProblems(parsed.error));
  const { checksum, ...body } = parsed.data;
  if (checksumOf(body) !== checksum) invalid('its checksum does not match: it was altered');
  checkDigest(body);
  if (body.classes.some((label, at) => at > 0 && compareBytes(body.classes[at - 1] ?? '', label) >= 0)) {
    invalid('its classes are not in the order of their bytes');
  }
  const probabilities = openedHead(body).predict(new Int16Array(body.dimensions)).probabilities;
  if (probabilities.some((value) => !Number.isFinite(value))) invalid('its predictions are not finite');
  return parsed.data;
}

/** As training returns it. */
export function headOf(file: HeadFile): Head {
  const { kind, mode, classes, dimensions, examples, digest, setDigest, regularization, temperature } = file;
  const { arithmetic = 1, measurements } = file;
  const head = { kind, mode, classes, dimensions, examples, digest, setDigest, regularization, temperature };
  return { ...head, arithmetic, measurements, parameters: Buffer.from(file.parameters, 'base64') };
}

type Body = z.infer<typeof fields>;

function openedHead({ kind, classes, dimensions, parameters }: Body) {
  return openHead({ kind, classes, dimensions, parameters: Buffer.from(parameters, 'base64') });
}

function checkDigest({ kind, mode, classes, parameters, digest }: Body): void {
  const found = digestHead(kind, mode, classes, Buffer.from(parameters, 'base64'));
  if (found !== digest) invalid(`its digest is ${found}, and it states ${digest}`);
}

/** SHA-256 over the fields in the order of their names; numbers as JavaScript writes them. */
function checksumOf(body: Body): string {
  const measurements = Object.entries(body.measurements).sort(([a], [b]) => compareBytes(a, b));
  const all = Object.entries({ ...body, measurements }).sort(([a], [b]) => compareBytes(a, b));
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return invalid('it is not JSON');
  }
}

function describeProblems({ issues }: z.ZodError): string {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`)
    .join('; ');
}

function invalid(why: string): never {
  throw new HeadwaterError('head-invalid', `the head file is invalid: ${why}`);
}
