/**
 * A chain of extractors as a YAML file: its id, and its steps in order. All errors of the file itself are reported at once;
 * chain-types.ts checks whether the steps fit together.
 */
import { HeadwaterError } from '@headwater/errors';
import { z } from 'zod';

/** Maximum number of steps of a file, including those in branches. */
const maxSteps = 200;

/** A step made by one method. */
export interface MethodStep {
  readonly kind: 'method';
  /** Its place, e.g. `chain.2` or `chain.0.price.1`, which is the key of its artefact. */
  readonly place: string;
  /** A method's name, the id of an extractor of the table, or the path of another extractor's file. */
  readonly method: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Weight of a branch, a factor of its numbers; `balanced` is 1 / √(its dimensions). */
export type Weight = number | 'balanced';

interface Branch {
  readonly name: string;
  readonly weight: Weight;
  readonly links: readonly ChainStep[];
}

/** Every branch takes the same value; their vectors are concatenated in this order. */
export interface BranchesStep {
  readonly kind: 'branches';
  readonly place: string;
  readonly branches: readonly Branch[];
}

export type ChainStep = MethodStep | BranchesStep;

export interface ChainFile {
  readonly id: string;
  readonly description: string;
  /** The digest that the chain must have, if the file states one. */
  readonly digest: string | undefined;
  readonly links: readonly ChainStep[];
}

interface RawBranches {
  readonly branches: Readonly<Record<string, readonly RawStep[]>>;
  readonly weights: Readonly<Record<string, Weight>>;
}

export type RawStep =
  | string
  | RawBranches
  | ({ readonly method: string } & Readonly<Record<string, unknown>>);

const branchName = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/i, 'must be a word of letters, digits, - and _');
const weight = z.union([z.number().positive().max(1e6), z.literal('balanced')]);

const rawLink: z.ZodType<RawStep> = z.lazy(() =>
  z.union(
    [
      z.string().min(1),
      z.strictObject({
        branches: z
          .record(branchName, rawLinks)
          .refine((branches) => Object.keys(branches).length > 0, 'must name at least one branch'),
        weights: z.record(branchName, weight).default({}),
      }),
      z.looseObject({ method: z.string().min(1) }),
    ],
    'must be a name, {method: …, options…}, or {branches: {name: […], …}}',
  ),
);
const rawLinks = z.array(rawLink).min(1, 'must have at least one step');

const chainFile = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*\.v\d+$/, 'must be like my-chain.v1'),
  description: z.string().max(500).default(''),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
    .optional(),
  chain: rawLinks,
});

/** Whether a file's content describes a chain; everything else counts as a net. */
export function isChain(content: unknown): boolean {
  return typeof content === 'object' && content !== null && 'chain' in content;
}

function isBranches(link: Exclude<RawStep, string>): link is RawBranches {
  return !('method' in link);
}

function branchesAt({ branches, weights }: RawBranches, place: string): BranchesStep {
  return {
    kind: 'branches',
    place,
    branches: Object.entries(branches).map(([name, links]) => ({
      name,
      weight: (Object.hasOwn(weights, name) ? weights[name] : undefined) ?? 1,
      links: stepsAt(links, `${place}.${name}`),
    })),
  };
}

/** Assigns each step its place. */
export function stepsAt(links: readonly RawStep[], place: string): ChainStep[] {
  return links.map((link, index): ChainStep => {
    const here = `${place}.${index}`;
    if (typeof link === 'string') return { kind: 'method', place: here, method: link, options: {} };
    if (isBranches(link)) return branchesAt(link, here);
    const { method, ...options } = link;
    return { kind: 'method', place: here, method, options };
  });
}

function countLinks(links: readonly ChainStep[]): number {
  return links.reduce(
    (sum, link) =>
      link.kind === 'method'
        ? sum + 1
        : link.branches.reduce((inner, branch) => inner + countLinks(branch.links), sum),
    0,
  );
}

function unknownWeights(links: readonly RawStep[], place: string): string[] {
  return links.flatMap((link, index) => {
    if (typeof link === 'string' || !isBranches(link)) return [];
    const here = `${place}.${index}`;
    const own = Object.keys(link.weights)
      .filter((name) => !Object.hasOwn(link.branches, name))
      .map((name) => `${here}.weights: unknown branch ${name}`);
    const inner = Object.entries(link.branches).flatMap(([name, branch]) =>
      unknownWeights(branch, `${here}.${name}`),
    );
    return [...own, ...inner];
  });
}

/** `name` is the file's name for messages. Errors: config-invalid (lists all problems). */
export function parseChainFile(content: unknown, name: string): ChainFile {
  try {
    return readLinks(content, name);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    // A YAML list can contain itself, which overflows the stack.
    const message = `${name}: steps are nested too deeply, or contain themselves`;
    throw new HeadwaterError('config-invalid', message, { cause });
  }
}

function readLinks(content: unknown, name: string): ChainFile {
  const parsed = chainFile.safeParse(content);
  const problems = parsed.success
    ? unknownWeights(parsed.data.chain, 'chain')
    : parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  const links = parsed.success ? stepsAt(parsed.data.chain, 'chain') : [];
  if (countLinks(links) > maxSteps) problems.push(`chain: has more than ${maxSteps} steps`);
  if (parsed.success && problems.length === 0) {
    const { id, description, digest } = parsed.data;
    return { id, description, digest, links };
  }
  const list = problems.join('\n  ');
  throw new HeadwaterError('config-invalid', `${name} does not describe a chain:\n  ${list}`);
}
