import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { byteSize, choice, decimal, duration, flag, httpUrl, integer, list, port } from './variables.ts';

/** Each type with valid and invalid texts. */
const kinds: readonly [string, z.ZodType, readonly (readonly [string, unknown])[], readonly string[]][] = [
  [
    'integer',
    integer({ min: -5, max: 5 }),
    [
      ['-5', -5],
      ['+3', 3],
      ['0', 0],
    ],
    ['6', '1.0', '1e0', '0x1', '', ' ', 'NaN'],
  ],
  [
    'decimal',
    decimal({ min: 0 }),
    [
      ['0.5', 0.5],
      ['.5', 0.5],
      ['1e-3', 0.001],
    ],
    ['-0.1', 'Infinity', '1,5', 'NaN', ''],
  ],
  [
    'port',
    port(),
    [
      ['0', 0],
      ['65535', 65_535],
    ],
    ['65536', '-1', 'http'],
  ],
  [
    'flag',
    flag(),
    [
      ['true', true],
      ['0', false],
      ['No', false],
    ],
    ['', 'on', 'constructor', '2'],
  ],
  ['choice', choice(['a', 'b']), [['b', 'b']], ['A', 'c', '']],
  ['list', list(), [['a, b,,c ', ['a', 'b', 'c']]], ['', ' , ']],
  ['url', httpUrl(), [['https://a:1/b', 'https://a:1/b']], ['ftp://a', 'a:1', 'http://u:p@a', 'http://']],
  [
    'duration',
    duration(),
    [
      ['500ms', 500],
      ['1.5h', 5_400_000],
      ['7d', 604_800_000],
    ],
    ['forever', '5', '-1s', '1w', '1 s s'],
  ],
  ['duration or forever', duration({ forever: true, min: 1 }), [['forever', -1]], ['0s', 'Forever']],
  [
    'size',
    byteSize({ max: 2_000_000 }),
    [
      ['900KB', 900_000],
      ['1MiB', 1_048_576],
      ['12', 12],
    ],
    ['2MiB', '1mb', '-1', 'KB'],
  ],
];

describe.each(kinds)('%s', (_, schema, taken, refused) => {
  test.each(taken)('accepts %j', (given, value) => expect(schema.parse(given)).toEqual(value));
  test.each(refused)('rejects %j', (given) => {
    const { error } = schema.safeParse(given);
    expect(error?.issues[0]?.message).toMatch(/^expected /);
  });
});
