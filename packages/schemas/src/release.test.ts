import { describe, expect, it } from 'vitest';
import type { AvroSchema } from './api.ts';
import { planRelease } from './release.ts';

const schema = (...fields: { name: string; type: string; default?: unknown }[]): AvroSchema => ({
  type: 'record',
  name: 'R',
  fields,
});
const one = schema({ name: 'a', type: 'int' });
const two = schema({ name: 'a', type: 'int' }, { name: 'b', type: 'int', default: 0 });
const broken = schema({ name: 'a', type: 'string' });

describe('a release', () => {
  it('adds what is new, under the number after the newest', () => {
    const released = [{ name: 'R', version: 1, schema: one }];
    const current = [
      { name: 'R', schema: two },
      { name: 'vectors/x.v1', schema: one },
    ];
    expect(planRelease(current, released)).toEqual({
      problems: [],
      additions: [
        { name: 'R', version: 2, schema: two },
        { name: 'vectors/x.v1', version: 1, schema: one },
      ],
    });
  });

  it('adds nothing when nothing has changed', () => {
    const released = [
      { name: 'R', version: 2, schema: two },
      { name: 'R', version: 1, schema: one },
    ];
    expect(planRelease([{ name: 'R', schema: two }], released)).toEqual({ problems: [], additions: [] });
  });

  it('adds nothing at all when one schema cannot read the past', () => {
    const released = [{ name: 'R', version: 1, schema: one }];
    const current = [
      { name: 'S', schema: one },
      { name: 'R', schema: broken },
    ];
    const { problems, additions } = planRelease(current, released);
    expect(problems).toEqual([expect.stringContaining('R cannot read what version 1 wrote')]);
    expect(additions).toEqual([]);
  });
});
