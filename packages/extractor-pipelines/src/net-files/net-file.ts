/**
 * A user-supplied net as a YAML file: the path of the model, the conversion of images to its input, and the place to cut it.
 * All errors of the file are reported at once.
 */
import { readFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import { parse } from 'yaml';
import { z } from 'zod';

const largestSide = 4096;

/** A number, or a fraction such as `1/255`. */
const fraction = z.union([
  z.number(),
  z
    .string()
    .regex(/^\s*-?\d+(\.\d+)?\s*\/\s*\d+(\.\d+)?\s*$/, 'must be a number, or a fraction such as 1/255')
    .transform((text) => {
      const [over = Number.NaN, under = Number.NaN] = text.split('/').map(Number);
      return over / under;
    }),
]);
const finite = fraction.refine((value) => Number.isFinite(value), 'must be a finite number');
const perChannel = z.union([finite.transform((value) => [value]), z.array(finite).min(1).max(3)]);
const shade = z.union([
  z.literal('black').transform(() => 0),
  z.literal('white').transform(() => 255),
  z.int().min(0).max(255),
]);

const input = z.strictObject({
  /** Side of the square input, in pixels. */
  size: z.int().min(1).max(largestSide),
  colour: z.enum(['rgb', 'bgr', 'gray']).default('rgb'),
  /** `contain`: the whole image on `background`; `cover`: its centre. */
  fit: z.enum(['contain', 'cover']).default('cover'),
  /** With `cover`: the share of the shorter side that is kept. */
  crop: z.number().gt(0).max(1).default(1),
  background: shade.default(255),
  layout: z.enum(['NCHW', 'NHWC']).default('NCHW'),
  /** Each value v, 0 to 255, becomes (v · scale − mean) / std. */
  scale: finite.refine((value) => value !== 0, 'must not be 0').default(1),
  mean: perChannel.default([0]),
  std: perChannel.refine((values) => values.every((value) => value > 0), 'must be positive').default([1]),
});

const output = z.strictObject({
  /** A tensor or a node to cut after; by default the net's only output. */
  tensor: z.string().min(1).optional(),
  /** Dimensions of the vector; required only if the net does not declare them. */
  dimensions: z.int().min(1).optional(),
  normalization: z.enum(['none', 'unit']).default('none'),
});

const netFile = z
  .strictObject({
    /** Name and version together. */
    id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*\.v\d+$/, 'must be like my-net.v1'),
    description: z.string().max(500).default(''),
    /** An ONNX model, or the model.json of a TensorFlow.js layers model; relative to this file. */
    model: z.string().min(1),
    input,
    output: output.prefault({}),
  })
  .superRefine(({ input: { colour, mean, std, fit, crop } }, context) => {
    const channels = colour === 'gray' ? 1 : 3;
    for (const [name, values] of Object.entries({ mean, std })) {
      if (values.length === 1 || values.length === channels) continue;
      const message = `must be one number, or ${channels}`;
      context.addIssue({ code: 'custom', path: ['input', name], message });
    }
    if (fit === 'contain' && crop !== 1) {
      context.addIssue({ code: 'custom', path: ['input', 'crop'], message: 'goes with fit: cover alone' });
    }
  });

export type NetFile = z.output<typeof netFile>;

/** Errors: config-invalid (lists all problems). */
export function parseNetFile(text: string, name: string): NetFile {
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeadwaterError('config-invalid', `${name} is not YAML: ${reason}`, { cause });
  }
  const parsed = netFile.safeParse(content);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the file'}: ${message}`,
  );
  throw new HeadwaterError('config-invalid', `${name} does not describe a net:\n  ${problems.join('\n  ')}`);
}

/** Errors: config-invalid. */
export async function readNetFile(path: string): Promise<NetFile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new HeadwaterError('config-invalid', `net file ${path} cannot be read`, { cause });
  });
  return parseNetFile(text, path);
}
