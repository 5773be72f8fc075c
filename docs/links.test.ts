/** Links between Markdown files, and to files and folders of the repository, lead somewhere. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { listMarkdown, readPage, root } from './markdown.ts';

const inlineCode = /(`+)[\s\S]*?\1/g;
const link = /\]\(\s*<?([^\s)>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const isExternal = (target: string) => /^[a-z][a-z+.-]*:/i.test(target);

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsOf(path: string): Set<string> {
  const counts = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ''] of readPage(path).prose.matchAll(/^#{1,6} +(.*?)#*$/gm)) {
    const anchor = anchorOf(heading);
    const count = counts.get(anchor) ?? 0;
    counts.set(anchor, count + 1);
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`);
  }
  return anchors;
}

function whyBroken(page: string, target: string): string | undefined {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? page : relative(root, join(root, dirname(page), decodeURIComponent(file)));
  if (path.startsWith('..') || !existsSync(join(root, path))) return `${page}: ${target}: no such file`;
  if (anchor === undefined || !path.endsWith('.md') || statSync(join(root, path)).isDirectory())
    return undefined;
  return anchorsOf(path).has(anchor) ? undefined : `${page}: ${target}: no such heading`;
}

const pages = listMarkdown();

test('the repository has Markdown pages to check', () => {
  expect(pages.length).toBeGreaterThan(20);
});

test.each(pages)('%s has no link that leads nowhere', (page) => {
  const prose = readPage(page).prose.replaceAll(inlineCode, (code) => (code.includes('](') ? '' : code));
  const targets = [...prose.matchAll(link)].map(([, target = '']) => target).filter((to) => !isExternal(to));
  expect(targets.map((target) => whyBroken(page, target)).filter(Boolean)).toEqual([]);
});
