/** The contract of `BlobStore`, which every implementation must pass. */
import { createHash, randomBytes } from 'node:crypto';
import type { BlobStore, StoredBlob } from '@headwater/blobs';
import type { HeadwaterError } from '@headwater/errors';
import { describe, expect, test } from 'vitest';

interface BlobStoreFixture {
  readonly store: BlobStore;
  /** Replaces the bytes of a blob without the store. */
  damage(blob: StoredBlob, bytes: Buffer): Promise<void>;
  /** Sets the age of a blob; absent where this is not possible. */
  age?(blob: StoredBlob, milliseconds: number): Promise<void>;
  /** References outside the store. */
  readonly foreign: readonly string[];
}

export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: HeadwaterError) => error.code ?? String(error),
  );

export function describeBlobStoreContract(name: string, openFixture: () => BlobStoreFixture): void {
  /** Tests of a file share a store, so each test uses its own bytes. */
  const picture = (length = 100) => randomBytes(length);

  describe(`${name}, as a blob store`, () => {
    test('returns stored bytes, with one URI for equal bytes', async () => {
      const { store } = openFixture();
      const bytes = picture();
      const [first, again] = await Promise.all([store.put(bytes), store.put(bytes)]);
      expect(again).toEqual(first);
      expect(first.byteLength).toBe(100);
      expect(first.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(await store.get(first)).toEqual(bytes);
    });

    test('stores an empty blob and a few megabytes', async () => {
      const { store } = openFixture();
      for (const bytes of [Buffer.alloc(0), picture(3_000_001)]) {
        expect((await store.get(await store.put(bytes))).equals(bytes)).toBe(true);
      }
    });

    test('stores many blobs concurrently', async () => {
      const { store } = openFixture();
      const all = Array.from({ length: 40 }, () => picture(5_000));
      const blobs = await Promise.all(all.map((bytes) => store.put(bytes)));
      const back = await Promise.all(blobs.map((blob) => store.get(blob)));
      expect(back.every((bytes, index) => all[index]?.equals(bytes))).toBe(true);
    });

    test('stores separate bytes for each owner, which are deleted with it', async () => {
      const { store, age } = openFixture();
      const bytes = picture();
      const digest = createHash('sha256').update(bytes).digest('hex');
      const [one, other] = [`image/${digest}`, `bild ü ${digest}`];
      const mine = await store.put(bytes, { owner: one });
      const newer = await store.put(picture(), { owner: one });
      const theirs = await store.put(bytes, { owner: other });
      const named = await store.put(bytes, { owner: digest });
      expect(await store.get(mine)).toEqual(bytes);
      await store.deleteOwned(one);
      await store.deleteOwned(one);
      for (const blob of [mine, newer]) expect(await codeOf(store.get(blob))).toBe('blob-missing');
      for (const blob of [theirs, named]) expect(await store.get(blob)).toEqual(bytes);
      await age?.(theirs, 60_000);
      await store.deleteOwned(digest, Date.now() - 30_000);
      expect(await store.get(named)).toEqual(bytes);
      await store.deleteOwned(digest);
      expect(await codeOf(store.get(named))).toBe('blob-missing');
      if (age === undefined) return;
      await store.deleteOwned(other, Date.now() - 30_000);
      expect(await codeOf(store.get(theirs))).toBe('blob-missing');
    });

    test('deletes blobs, and ignores missing ones', async () => {
      const { store } = openFixture();
      const bytes = picture();
      const blob = await store.put(bytes);
      await store.delete(blob.uri);
      await store.delete(blob.uri);
      expect(await codeOf(store.get(blob))).toBe('blob-missing');
      expect(await store.put(bytes)).toEqual(blob);
      expect(await store.get(blob)).toEqual(bytes);
    });

    test('distinguishes a damaged blob from a missing one, and repairs it by a put of the same bytes', async () => {
      const { store, damage } = openFixture();
      const bytes = picture();
      const blob = await store.put(bytes);
      for (const wrong of [picture(), picture(99), picture(101), Buffer.alloc(0)]) {
        await damage(blob, wrong);
        expect(await codeOf(store.get(blob))).toBe('blob-corrupt');
      }
      await store.put(bytes);
      expect(await store.get(blob)).toEqual(bytes);
    });

    test('rejects blobs with another length or digest than the reference', async () => {
      const { store } = openFixture();
      const blob = await store.put(picture());
      expect(await codeOf(store.get({ ...blob, byteLength: 99 }))).toBe('blob-corrupt');
      expect(await codeOf(store.get({ ...blob, byteLength: 101 }))).toBe('blob-corrupt');
      expect(await codeOf(store.get({ ...blob, sha256: '0'.repeat(64) }))).toBe('blob-corrupt');
    });

    test('rejects references to other places', async () => {
      const { store, foreign } = openFixture();
      const blob = await store.put(picture());
      const anywhere = [
        'http://169.254.169.254/latest/meta-data/',
        'https://elsewhere.example/secret',
        'ftp://elsewhere.example/secret',
        'data:text/plain,secret',
        'file://elsewhere/secret',
        'file:///etc/passwd',
        's3://somebody-elses-bucket/secret',
        `${blob.uri}/../../../../etc/passwd`,
        blob.uri.replace(/^[a-z0-9]+:/, 'gopher:'),
        'secret',
        '',
      ];
      for (const uri of [...anywhere, ...foreign]) {
        expect([uri, await codeOf(store.get({ ...blob, uri }))]).toEqual([uri, 'blob-forbidden']);
        expect([uri, await codeOf(store.delete(uri))]).toEqual([uri, 'blob-forbidden']);
      }
      expect(await codeOf(store.get(blob))).toBe('no error');
    });

    test('lists blobs by the beginning of their names, and keeps other blobs out of the list', async () => {
      const { store, age } = openFixture();
      if (store.list === undefined) return;
      const base = `group%2E1/${randomBytes(8).toString('hex')}`;
      const names = ['1/a/part-0', '1/a/part-1', '1/b/manifest', '2/a/part-0'].map((end) => `${base}/${end}`);
      const blobs = new Map<string, StoredBlob>();
      for (const name of names) blobs.set(name, await store.put(picture(), { name }));
      await store.put(picture(), { keep: true });
      const found = async (prefix: string) => {
        const listed: string[] = [];
        for await (const { name, ...blob } of store.list?.(prefix) ?? []) {
          expect(blob).toEqual(blobs.get(name));
          expect((await store.get(blob)).length).toBe(100);
          listed.push(name);
        }
        return listed.sort();
      };
      expect(await found(`${base}/`.slice(0, -1))).toEqual(names);
      expect(await found(`${base}/1/a`)).toEqual(names.slice(0, 2));
      expect(await found(`${base}/3`)).toEqual([]);
      for (const name of names.slice(0, 3)) {
        const blob = blobs.get(name) as StoredBlob;
        await age?.(blob, 1_000_000_000);
        await store.sweep?.({ olderThan: 1_000 });
        expect(await codeOf(store.get(blob))).toBe('no error');
        await store.delete(blob.uri);
      }
      expect(await found(base)).toEqual(names.slice(3));
      for (const name of ['', '../a', 'a/..', 'a//b', '/a', 'a/', 'a\\b', 'a\0']) {
        expect([name, await codeOf(store.put(picture(), { name }))]).toEqual([name, 'request-invalid']);
      }
    });

    test('can be aborted', async () => {
      const { store } = openFixture();
      const blob = await store.put(picture());
      await expect(store.get(blob, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
    });

    test('expires old blobs, but not kept and renewed ones', async () => {
      const { store, age } = openFixture();
      if (age === undefined || store.sweep === undefined) return;
      const [old, young, renewed, kept] = [picture(), picture(), picture(), picture()];
      const blobs = {
        old: await store.put(old),
        young: await store.put(young),
        renewed: await store.put(renewed),
        kept: await store.put(kept, { keep: true }),
      };
      const hour = 3_600_000;
      for (const blob of [blobs.old, blobs.renewed, blobs.kept]) await age(blob, 50 * hour);
      await store.put(renewed);
      const tried = await store.sweep({ olderThan: 48 * hour, dryRun: true });
      expect(tried).toMatchObject({ deleted: 1, bytes: 100 });
      expect(await store.get(blobs.old)).toEqual(old);
      expect(await store.sweep({ olderThan: 48 * hour })).toEqual(tried);
      expect(await codeOf(store.get(blobs.old))).toBe('blob-missing');
      for (const blob of [blobs.young, blobs.renewed, blobs.kept]) {
        expect(await codeOf(store.get(blob))).toBe('no error');
      }
      expect(await store.sweep({ olderThan: 48 * hour })).toMatchObject({ deleted: 0 });
    });
  });
}
