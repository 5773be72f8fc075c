/**
 * Reads the metadata of variables from a schema. zod keeps metadata on each wrapper (optional, default, pipe), so the
 * metadata of all layers is merged; outer layers take precedence.
 */
import type { z } from 'zod';
import type { VariableMetadata } from './variables.ts';

/** A schema of environment variables: an object, possibly transformed. */
export type EnvironmentSchema<T = unknown> = z.ZodType<T>;

export interface Variable extends VariableMetadata {
  readonly name: string;
  readonly required: boolean;
  /** Default as written in the environment; undefined without a default. */
  readonly default?: string;
}

interface Layer {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly defaultValue?: unknown;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
}

const layer = (schema: z.ZodType) => schema._zod.def as unknown as Layer;

/** Variables in the order of the schema. */
export function listVariables(schema: EnvironmentSchema): Variable[] {
  return Object.entries(shapeOf(schema)).map(([name, member]) => describeVariable(name, member));
}

function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  const { shape, in: input, innerType } = layer(schema);
  if (shape !== undefined) return shape;
  const inner = input ?? innerType;
  if (inner === undefined) throw new TypeError('an environment schema must be an object');
  return shapeOf(inner);
}

function describeVariable(name: string, schema: z.ZodType): Variable {
  let notes: VariableMetadata = {};
  let fallback: string | undefined;
  for (let at: z.ZodType | undefined = schema; at !== undefined; ) {
    notes = { ...(at.meta() as VariableMetadata | undefined), ...notes };
    const { type, defaultValue, innerType, in: input }: Layer = layer(at);
    if (type === 'default' || type === 'prefault') fallback ??= written(defaultValue);
    at = innerType ?? input;
  }
  const shown = notes.shownDefault ?? fallback;
  return {
    ...notes,
    name,
    required: !schema.safeParse(undefined).success,
    ...(shown === undefined ? {} : { default: shown }),
  };
}

function written(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}
