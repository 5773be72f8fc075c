/** What links are opened with, and how a name in a chain's file is understood. */
import { resolve } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import {
  type ExtractorOptions,
  extractorIds,
  type FittedArtefact,
  type StageMethod,
} from '@headwater/extractors';
import { stageMethodOf, stageMethods } from '../methods/method-table.ts';
import { automatic } from './automatic.ts';
import type { MethodStep } from './chain-file.ts';
import { builtInMethod, netFileMethod } from './extractor-method.ts';

/** What a link learned, and behind which links. */
export interface FittedStep {
  readonly artefact: FittedArtefact;
  /** Digest over the links before it, as they were then. */
  readonly basis: string;
}

export interface ChainContext {
  /** The file as the user names it, for messages. */
  readonly file: string;
  /** Its folder: paths in the file are relative to it. */
  readonly folder: string;
  /** What was learned, by the places of the links. */
  readonly artefacts: ReadonlyMap<string, FittedStep>;
  /** What does not hold any more is learned anew, and no error. */
  readonly learning: boolean;
  /** What to do where something has not learned yet. */
  readonly howToFit: string;
  readonly settings: ExtractorOptions;
}

/** Says where an error comes from: file, link and method. */
export function withStepContext(context: ChainContext, link: MethodStep, thrown: unknown): unknown {
  // A link that stands for others has had its say already.
  if (!(thrown instanceof HeadwaterError) || thrown.message.startsWith(`${context.file}: `)) return thrown;
  const message = `${context.file}: ${link.place} (${link.method}): ${thrown.message}`;
  const { code, verdict, context: fields } = thrown;
  return new HeadwaterError(code, message, { verdict, context: fields, cause: thrown });
}

/** Paths in the options of a user's own module are relative to the chain's file. */
export function optionsOf(
  { folder }: ChainContext,
  { options }: MethodStep,
): Readonly<Record<string, unknown>> {
  const { module, covers } = options;
  const absolute = (path: unknown) => (typeof path === 'string' ? resolve(folder, path) : path);
  return {
    ...options,
    ...(module !== undefined && { module: absolute(module) }),
    ...(Array.isArray(covers) && { covers: covers.map(absolute) }),
  };
}

/** Errors: config-invalid. */
export function methodOf({ folder }: ChainContext, { method: name }: MethodStep): StageMethod {
  const method = name.toLowerCase() === automatic.method ? automatic : stageMethodOf(name);
  if (method) return method;
  if (extractorIds().includes(name)) return builtInMethod(name);
  if (/\.ya?ml$/.test(name)) return netFileMethod(resolve(folder, name));
  const methods = [automatic, ...stageMethods()].map((known) => known.method);
  throw new HeadwaterError(
    'config-invalid',
    `there is no such method. There are: ${[...methods, ...extractorIds()].join(', ')}, and paths of net files (.yaml)`,
  );
}

/** Whether a link with these options must be fitted before it can be opened. */
export function needsFitting(method: StageMethod, options: unknown): boolean {
  return method.fit !== undefined && (method.learns?.(options) ?? true);
}
