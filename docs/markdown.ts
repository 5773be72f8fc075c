/** What the tests of the documentation share: all Markdown files of the repository, and what stands in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

const skipped = new Set(['node_modules', 'dist', 'coverage']);

/** Paths relative to the root of the repository. */
export function listMarkdown(folder = '.'): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const isOwn = !skipped.has(entry.name) && (!entry.name.startsWith('.') || entry.name === '.github');
      return isOwn ? listMarkdown(path) : [];
    }
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** Escapes text for a cell of a table. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

export interface MarkdownPage {
  readonly path: string;
  /** Without its code fences. */
  readonly prose: string;
  readonly fences: readonly { readonly language: string; readonly code: string }[];
}

const fence = /^( *)```(\w*)[^\n]*\n([\s\S]*?)^ *```$/gm;

export function readPage(path: string): MarkdownPage {
  const text = readFileSync(join(root, path), 'utf8');
  const fences = [...text.matchAll(fence)].map(([, , language = '', code = '']) => ({ language, code }));
  return { path, prose: text.replaceAll(fence, ''), fences };
}
