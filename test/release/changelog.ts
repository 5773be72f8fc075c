/** The section of a version in CHANGELOG.md: found, and dated. */

/** `heading` may carry a date, or nothing, after the version. Errors: no section, or an empty one. */
export function dateSection(changelog: string, version: string, date: string): string {
  const lines = changelog.split('\n');
  const at = lines.findIndex((line) => line === `## [${version}]` || line.startsWith(`## [${version}] `));
  if (at === -1)
    throw new Error(
      `CHANGELOG.md has no section "## [${version}]": rename "## [Unreleased]" to it, or add it`,
    );
  const next = lines.findIndex((line, index) => index > at && line.startsWith('## '));
  const body = lines.slice(at + 1, next === -1 ? undefined : next);
  if (body.every((line) => line.trim() === ''))
    throw new Error(`the section "## [${version}]" of CHANGELOG.md is empty: say what changed`);
  return lines.with(at, `## [${version}] - ${date}`).join('\n');
}
