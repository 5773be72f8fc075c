/**
 * Training settings of each task: environment variables for all tasks, and overrides for single tasks in the file TASK_SETTINGS. The
 * trainer, a backfill and the API all read the settings here, so that they agree.
 */
import { readFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import type { HeadKind } from '@headwater/heads';
import { listVariables } from '@headwater/service-kit';
import { parse } from 'yaml';
import { z } from 'zod';
import { type ClassifyConfig, classifyEnvironment } from './environment.ts';
import {
  type SolveSettings,
  solveSettingsOf,
  type TrainingSetSettings,
  trainingSetSettingsOf,
} from './train/training-set-settings.ts';

export interface TaskSettings extends TrainingSetSettings, SolveSettings {
  /** In order of preference. */
  readonly kinds: readonly HeadKind[];
}

export type SettingsOf = (task: string) => TaskSettings;

/** Key in the file to the variable that it overrides; `none` unsets the variable. */
const keys = {
  heads: { variable: 'HEADS' },
  window: { variable: 'WINDOW', none: true },
  prior: { variable: 'PRIOR' },
  lift: { variable: 'LIFT', none: true },
  mlpUnits: { variable: 'MLP_UNITS' },
  maxExamples: { variable: 'MAX_EXAMPLES' },
} as const;

type Variable = (typeof keys)[keyof typeof keys]['variable'];
/** Overrides of a task, under the names of the variables; undefined where it unsets one. */
type OwnVariables = Partial<Pick<ClassifyConfig, Variable>>;
type Settings = Pick<ClassifyConfig, Variable | 'MAX_TASKS' | 'EXTRACTORS' | 'TASK_SETTINGS'>;

const known = Object.keys(keys).join(', ');
const expectedOf = new Map(listVariables(classifyEnvironment).map(({ name, expected }) => [name, expected]));

/** Reads the file once: later changes of it have no effect. Errors: config-invalid, with all faults by task and key. */
export async function openTaskSettings(config: Settings): Promise<SettingsOf> {
  const path = config.TASK_SETTINGS;
  const own = path === undefined ? new Map<string, OwnVariables>() : await readTasks(path);
  const common = settingsFrom(config);
  const named = new Map([...own].map(([task, its]) => [task, settingsFrom({ ...config, ...its })]));
  return (task) => named.get(task) ?? common;
}

function settingsFrom(config: Settings): TaskSettings {
  return { kinds: config.HEADS, ...trainingSetSettingsOf(config), ...solveSettingsOf(config) };
}

/** The settings as the API shows them. */
export function describeSettings({ kinds, window, prior, lift = null, units, maxExamples }: TaskSettings) {
  const shown =
    window === undefined
      ? null
      : 'span' in window
        ? { milliseconds: window.span }
        : { newest: window.newest };
  return { heads: kinds, window: shown, prior, lift, mlpUnits: units, maxExamples };
}

async function readTasks(path: string): Promise<Map<string, OwnVariables>> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw invalid(path, [`cannot be read (${cause.code ?? cause.message})`], cause);
  });
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    throw invalid(path, [`is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`], cause);
  }
  const parsed = file.safeParse(content);
  if (!parsed.success) throw invalid(path, parsed.error.issues.map(explain));
  return new Map(Object.entries(parsed.data.tasks));
}

/** Accepts what the schema of the variable accepts. */
function setting(key: keyof typeof keys) {
  const { variable, ...rest } = keys[key];
  const orNone = 'none' in rest;
  return z.unknown().transform((given, context): unknown => {
    if (orNone && given === 'none') return undefined;
    const read = classifyEnvironment.shape[variable].safeParse(asText(given));
    if (read.success && given !== null) return read.data;
    const reason = read.error?.issues.find(({ code }) => code === 'custom')?.message;
    const message = reason ?? `expected ${expectedOf.get(variable)}`;
    context.addIssue({ code: 'custom', message: orNone ? `${message}, or none` : message });
    return z.NEVER;
  });
}

/** A scalar or a list as text of an environment variable. */
function asText(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(asText).join(',');
  return typeof given === 'number' ? String(given) : given;
}

const keyNames = Object.keys(keys) as (keyof typeof keys)[];

const taskSettings = z
  .strictObject(Object.fromEntries(keyNames.map((key) => [key, setting(key).optional()])))
  .transform((given): OwnVariables => {
    const set = keyNames.filter((key) => key in given);
    return Object.fromEntries(set.map((key) => [keys[key].variable, given[key]]));
  });

const file = z.strictObject({ tasks: z.record(z.string().min(1), taskSettings) });

function explain(issue: z.core.$ZodIssue): string {
  const [, task, key] = issue.path;
  if (task === undefined) {
    const stray = issue.code === 'unrecognized_keys' ? `${issue.keys.join(', ')}: not known; ` : '';
    return `${stray}expected "tasks:", with the settings of each task under its name`;
  }
  if (issue.code === 'unrecognized_keys') {
    return `task ${String(task)}: ${issue.keys.join(', ')}: no such setting; there are ${known}`;
  }
  if (key === undefined)
    return `task ${String(task)}: expected settings such as "window: 30d"; there are ${known}`;
  return `task ${String(task)}: ${String(key)}: ${issue.message}`;
}

function invalid(path: string, problems: readonly string[], cause?: unknown): HeadwaterError {
  const [first] = problems;
  const list = problems.length === 1 ? ` ${first}` : `\n${problems.map((text) => `  ${text}`).join('\n')}`;
  return new HeadwaterError('config-invalid', `TASK_SETTINGS: the file ${path}:${list}`, { cause });
}
