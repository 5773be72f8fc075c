import { describe, expect, it } from 'vitest';
import { parseTime } from './selection.ts';

describe('a time of a selection', () => {
  it('is UTC without a zone, wherever the command runs', () => {
    const zone = process.env.TZ;
    try {
      for (const local of ['UTC', 'Asia/Tokyo', 'America/Los_Angeles']) {
        process.env.TZ = local;
        for (const text of [
          '2026-11-29T10:00',
          '2026-11-29 10:00:00',
          '2026-11-29T10:00:00.000',
          '2026-11-29T11:00+01:00',
        ]) {
          expect(parseTime(text)).toBe(Date.UTC(2026, 10, 29, 10));
        }
        expect(parseTime('2026-11-29')).toBe(Date.UTC(2026, 10, 29));
      }
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  it('may be a span before now', () => {
    const before = Date.now() - 7_200_000;
    expect(parseTime('2h')).toBeGreaterThanOrEqual(before);
  });

  it.each(['soon', '2026-13-01', '2x', ''])('refuses %j', (text) => {
    expect(() => parseTime(text)).toThrow('Expected an ISO time');
  });
});
