/**
 * The fitted artefact of a method, as stored beside a chain's file. An artefact that was altered by one byte, written by
 * another version, or fitted with other options than the chain states, must not open: its vectors would have a wrong digest.
 */
import { HeadwaterError } from '@headwater/errors';
import { artefactDigest, canonicalJson, type FittedArtefact } from '@headwater/extractors';
import { z } from 'zod';

/** The stored form of a method's artefacts; the version is increased with every change of `learned`. */
interface ArtefactFormat<Learned> {
  readonly method: string;
  readonly formatVersion: number;
  readonly learned: z.ZodType<Learned>;
}

const artefactSchema = z.strictObject({
  method: z.string(),
  formatVersion: z.int().positive(),
  records: z.int().nonnegative(),
  options: z.record(z.string(), z.unknown()),
  learned: z.record(z.string(), z.unknown()),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Adds the digest over all other members. */
export function sealArtefact(parts: Omit<FittedArtefact, 'digest'>): FittedArtefact {
  return { ...parts, digest: artefactDigest(parts) };
}

/** Checks the parsed content of a file. Errors: model-invalid. */
export function checkArtefact(content: unknown): FittedArtefact {
  const parsed = artefactSchema.safeParse(content);
  if (!parsed.success) throw invalid('is invalid or truncated');
  if (artefactDigest(parsed.data) !== parsed.data.digest) throw invalid('does not match its digest');
  return parsed.data;
}

/** The fitted parameters. Errors: config-invalid (none, or fitted with other options), model-invalid. */
export function openArtefact<Learned>(
  format: ArtefactFormat<Learned>,
  options: Readonly<Record<string, unknown>>,
  artefact: FittedArtefact | undefined,
): Learned {
  const { method, formatVersion } = format;
  if (artefact === undefined) throw new HeadwaterError('config-invalid', `${method} must be fitted first`);
  const known = checkArtefact(artefact);
  if (known.method !== method) throw invalid(`was fitted for ${known.method}, not for ${method}`);
  if (known.formatVersion !== formatVersion) {
    throw invalid(`has format ${known.formatVersion}, this version reads ${formatVersion}; fit again`);
  }
  if (canonicalJson(known.options) !== canonicalJson(options)) {
    const text = `${method} was fitted with ${canonicalJson(known.options)}, but is now given ${canonicalJson(options)}`;
    throw new HeadwaterError('config-invalid', `${text}; fit again, or restore the options`);
  }
  const learned = format.learned.safeParse(known.learned);
  if (!learned.success) throw invalid(`has no valid parameters of ${method}`);
  return learned.data;
}

function invalid(reason: string): HeadwaterError {
  return new HeadwaterError('model-invalid', `fitted artefact ${reason}`);
}
