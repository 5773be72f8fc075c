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
  it('adds new schemas with the next version', () => {
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

  it('adds nothing without changes', () => {
    const released = [
      { name: 'R', version: 2, schema: two },
      { name: 'R', version: 1, schema: one },
    ];
    expect(planRelease([{ name: 'R', schema: two }], released)).toEqual({ problems: [], additions: [] });
  });

  it('adds nothing when one schema is incompatible', () => {
    const released = [{ name: 'R', version: 1, schema: one }];
    const current = [
      { name: 'S', schema: one },
      { name: 'R', schema: broken },
    ];
    const { problems, additions } = planRelease(current, released);
    expect(problems).toEqual([expect.stringContaining('R cannot read data of version 1')]);
    expect(additions).toEqual([]);
  });
});
