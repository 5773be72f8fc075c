/** Renders an OpenAPI document as Markdown. */
import { cell, table } from './markdown.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly [keyword: string]: unknown;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly description?: string; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>;
}

export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Fields that are nested more deeply are only in the document. */
const deepest = 3;

/** A section for each operation, in the order of the document. */
export function renderOperations({ paths }: OpenApiDocument): string[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => renderOperation(method, path, operation)),
  );
}

function renderOperation(method: string, path: string, operation: Operation): string {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  const role = operation.security?.flatMap((scheme) => Object.values(scheme).flat())[0];
  const blocks = [
    `### \`${method.toUpperCase()} ${path}\``,
    sentence(summary),
    description === undefined ? '' : escapeHtml(description),
    role === undefined ? '' : `Role: \`${role}\`.`,
    fieldTable(
      ['parameter', 'in', 'type', 'meaning'],
      parameters.map(({ name, in: place, required, description: meaning, schema }) => [
        `\`${name}\`${required === true ? '' : ' (optional)'}`,
        place,
        typeOf(schema),
        meaning ?? schema.description ?? '',
      ]),
    ),
    ...Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) =>
      section(`Body, \`${type}\``, schema),
    ),
    ...Object.entries(responses).map(([status, response]) => renderResponse(status, response)),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function renderResponse(
  status: string,
  { description, content = {} }: Operation['responses'][string],
): string {
  const meaning = description === 'Default Response' ? '' : (description ?? '');
  const [type, body] = Object.entries(content)[0] ?? [];
  // Problem documents have the same fields everywhere.
  if (type === undefined || !/^2/.test(status))
    return [`\`${status}\`:`, escapeHtml(meaning)].join(' ').trim();
  return section(`\`${status}\`, \`${type}\``, body?.schema, meaning);
}

function section(title: string, schema: Schema | undefined, meaning = schema?.description ?? ''): string {
  const rows = schema === undefined ? [] : fieldsOf(schema, '', 1);
  const type = schema === undefined || rows.length > 0 ? '' : sentence(typeOf(schema));
  const text = [`${title}:`, type, escapeHtml(meaning)].filter((part) => part !== '').join(' ');
  return rows.length === 0 ? text : `${text}\n\n${fieldTable(['field', 'type', 'meaning'], rows)}`;
}

function fieldsOf(schema: Schema, prefix: string, depth: number): string[][] {
  const inner = nonNull(schema);
  if (inner.items !== undefined) return fieldsOf(inner.items, `${prefix}[]`, depth);
  return Object.entries(inner.properties ?? {}).flatMap(([name, field]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const optional = inner.required !== undefined && !inner.required.includes(name) ? ' (optional)' : '';
    const row = [`\`${path}\`${optional}`, typeOf(field), field.description ?? ''];
    return depth < deepest ? [row, ...fieldsOf(field, path, depth + 1)] : [row];
  });
}

/** The alternative of a nullable schema that is not null. */
function nonNull(schema: Schema): Schema {
  const alternatives = (schema.anyOf ?? schema.oneOf ?? []).filter(({ type }) => type !== 'null');
  return alternatives.length === 1 && alternatives[0] !== undefined ? alternatives[0] : schema;
}

function typeOf(schema: Schema): string {
  const { anyOf, oneOf } = schema;
  const alternatives = anyOf ?? oneOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(typeOf))].join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  const type = [schema.type ?? 'any'].flat().join(' or ');
  if (schema.items !== undefined) return `array of ${typeOf(schema.items)}`;
  return [type, ...limitsOf(schema)].join(', ');
}

const limits = {
  minimum: '≥',
  exclusiveMinimum: '>',
  maximum: '≤',
  minLength: 'length ≥',
  maxLength: 'length ≤',
  default: 'default',
} as const;

function limitsOf(schema: Schema): string[] {
  return Object.entries(limits)
    .filter(([keyword]) => schema[keyword] !== undefined)
    .map(([keyword, sign]) => `${sign} ${String(schema[keyword])}`);
}

function sentence(text: string | undefined): string {
  if (text === undefined || text === '') return '';
  return `${escapeHtml(text)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

const escapeHtml = (text: string) => text.replaceAll('<', '&lt;');
function fieldTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0
    ? ''
    : table(
        head,
        rows.map((cells) => cells.map(cell)),
      );
}
