import { HeadwaterError } from '@headwater/errors';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseForm } from './form.ts';

const boundary = 'xyz';
const type = `multipart/form-data; boundary=${boundary}`;
const form = Buffer.from(
  [
    `--${boundary}`,
    'Content-Disposition: form-data; name="task"',
    '',
    'digit',
    `--${boundary}`,
    'Content-Disposition: form-data; name="file"; filename="a.png"',
    'Content-Type: image/png',
    '',
    'the\r\nbytes',
    `--${boundary}`,
    'Content-Disposition: form-data; name="file"; filename=""',
    '',
    '',
    `--${boundary}--`,
    '',
  ].join('\r\n'),
);

it('reads files and fields', async () => {
  const { files, fields } = await parseForm(form, type, 2);
  expect(fields).toEqual({ task: 'digit' });
  expect(files.map(String)).toEqual(['the\r\nbytes', '']);
});

it('settles on any body, however it was changed or cut', async () => {
  const mutation = fc.record({
    edits: fc.array(fc.tuple(fc.nat(form.length - 1), fc.nat(255)), { maxLength: 8 }),
    from: fc.nat(form.length),
    to: fc.nat(form.length),
  });
  await fc.assert(
    fc.asyncProperty(mutation, async ({ edits, from, to }) => {
      const body = Buffer.from(form);
      for (const [at, value] of edits) body[at] = value;
      const parsed = parseForm(body.subarray(Math.min(from, form.length >> 1), to), type, 2);
      const outcome = await Promise.race([
        parsed.catch((error: unknown) => error),
        new Promise((resolve) => setTimeout(() => resolve('hangs'), 2_000)),
      ]);
      if (outcome instanceof HeadwaterError) return outcome.code === 'request-invalid';
      return outcome !== 'hangs' && !(outcome instanceof Error);
    }),
    { numRuns: 2_000 },
  );
});

it.each([
  '',
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/form-data; boundary=""',
  'text/plain',
])('refuses the type %j', async (contentType) => {
  await expect(parseForm(form, contentType, 2)).rejects.toMatchObject({ code: 'request-invalid' });
});
