import { describe, expect, it } from 'vitest';
import { dateSection } from './changelog.ts';

const changelog = (heading: string, body = '- A change.') =>
  `# Changelog\n\n## [Unreleased]\n\n${heading}\n\n${body}\n\n## [0.1.0] - 2026-01-01\n\n- The first.\n`;

describe('the date of a release', () => {
  it.each(['## [0.2.0]', '## [0.2.0] - unreleased', '## [0.2.0] - 2026-02-02'])(
    'is set in the section of the version under %s',
    (heading) => {
      const dated = dateSection(changelog(heading), '0.2.0', '2026-03-03');
      expect(dated).toBe(changelog('## [0.2.0] - 2026-03-03'));
    },
  );

  it('is rejected where the version has no section, or an empty one', () => {
    expect(() => dateSection(changelog('## [0.2.0]'), '0.3.0', '2026-03-03')).toThrow('no section');
    expect(() => dateSection(changelog('## [0.2.0]', ''), '0.2.0', '2026-03-03')).toThrow('is empty');
    expect(() => dateSection(changelog('## [0.2.0-rc.1]'), '0.2.0', '2026-03-03')).toThrow('no section');
  });
});
