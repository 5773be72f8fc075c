/**
 * Rules for labels and task names, and the class of a label. All inputs use them (HTTP, forms, CSV, JSON Lines,
 * folders, imports, and the join for Kafka), so that all accept the same values. See docs/reference/labels.md.
 */
import { HeadwaterError } from '@headwater/errors';

/** Limit in bytes of UTF-8: labels and tasks are parts of keys in local stores, which have this limit. */
export const longestName = 255;

const characters = 'without white space at either end, control characters or invisible characters';
/** The rules in words, for interface descriptions. */
export const labelRule = `One line of up to 255 bytes of UTF-8, ${characters}; kept in Unicode normalization form C.`;
export const taskRule = `One line of up to 255 bytes of UTF-8 in Unicode normalization form C, ${characters}; not \`.\` or \`..\`.`;

/** JSON Schema for documents; the functions decide and give the reason. */
export const labelSchema = { type: 'string', minLength: 1, maxLength: longestName } as const;
export const taskSchema = {
  ...labelSchema,
  description: `The question, such as \`digit\`. ${taskRule}`,
} as const;

/** Why a value is not a label, as a clause; undefined for a valid label. `noun` names the value in the clause. */
export function labelProblem(value: unknown, noun = 'label'): string | undefined {
  if (value === undefined || value === '') return `${noun} is missing`;
  if (typeof value !== 'string') return `${noun} must be a text in quotation marks, not ${kindOf(value)}`;
  const text = value.normalize('NFC');
  const length = Math.max(Buffer.byteLength(value), Buffer.byteLength(text));
  if (length > longestName) return `${noun} is longer than ${longestName} bytes of UTF-8 (${length})`;
  if (/\p{Cs}/u.test(text)) return `${noun} has half of a surrogate pair`;
  return (
    problemWith(controls.exec(text)?.[0], `${noun} has a control character or a line break`) ??
    problemWith(hiddenIn(text), `${noun} has an invisible character`) ??
    problemWith(outerSpace.exec(text)?.[0], `${noun} begins or ends with white space`)
  );
}

/** Why a value is not a task. Tasks are in settings and URLs, so other normalization forms are not converted. */
export function taskProblem(value: unknown): string | undefined {
  const problem = labelProblem(value, 'task');
  if (problem !== undefined) return problem;
  if (value === '.' || value === '..') return 'task is a relative path segment, which no URL can name';
  return value === String(value).normalize('NFC') ? undefined : 'task is not in normalization form C (NFC)';
}

/** The label in its stored form. Errors: request-invalid, with the reason. */
export function readLabel(value: unknown, noun = 'label'): string {
  return assertValid(labelProblem(value, noun), value, noun).normalize('NFC');
}

/** The unchanged task. Errors: request-invalid, with the reason. */
export function readTask(value: unknown): string {
  return assertValid(taskProblem(value), value, 'task');
}

/**
 * The class of a label in a record, also of one that an older version accepted: normalization form C without invisible
 * characters. Total and idempotent; a label of only invisible characters stays as it is.
 */
export function classOfLabel(label: string): string {
  if (plainAscii.test(label)) return label;
  const text = label.normalize('NFC');
  const visible = text.replaceAll(everyControl, '').replaceAll(joinedOrHidden, '$<joined>').trim();
  return visible === '' ? text : visible.normalize('NFC');
}

const plainAscii = /^[!-~]+( [!-~]+)*$/;
const controls = /[\p{Cc}\u2028\u2029]/u;
const everyControl = new RegExp(controls, 'gu');
const outerSpace = /^\s|\s$/u;

/** Scripts in which a joiner between two characters changes how a word is read. */
const joiningScripts = [
  'Arab',
  'Syrc',
  'Mong',
  'Nkoo',
  'Deva',
  'Beng',
  'Guru',
  'Gujr',
  'Orya',
  'Taml',
  'Telu',
]
  .concat(['Knda', 'Mlym', 'Sinh', 'Khmr', 'Mymr', 'Tibt'])
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join('');
/** Invisible characters that have a meaning in their context: in words of those scripts, and in emoji. */
const meaningful = [
  `(?<=[${joiningScripts}])[\u200c\u200d](?=[${joiningScripts}])`,
  '(?<=\\p{Extended_Pictographic}[\ufe0f\\p{Emoji_Modifier}]?)\u200d(?=\\p{Extended_Pictographic})',
  '(?<=\\p{Extended_Pictographic})[\ufe0e\ufe0f]',
  '(?<=[0-9#*])\ufe0f(?=\u20e3)',
].join('|');
const joinedOrHidden = new RegExp(`(?<joined>${meaningful})|\\p{Default_Ignorable_Code_Point}`, 'gu');

function hiddenIn(text: string): string | undefined {
  for (const { 0: found, groups } of text.matchAll(joinedOrHidden)) {
    if (groups?.joined === undefined) return found;
  }
  return undefined;
}

/** The clause with the found character, such as (U+200B). */
function problemWith(found: string | undefined, clause: string): string | undefined {
  if (found === undefined) return undefined;
  const digits = found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  return `${clause} (U+${digits})`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

function assertValid(problem: string | undefined, value: unknown, field: string): string {
  if (problem === undefined) return value as string;
  throw new HeadwaterError('request-invalid', problem, { context: { field } });
}
