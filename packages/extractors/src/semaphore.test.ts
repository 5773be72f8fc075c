import { expect, it } from 'vitest';
import { Semaphore } from './semaphore.ts';

it('a semaphore admits as many callers as it has permits, and the others in order', async () => {
  const gate = new Semaphore(2);
  const entered: string[] = [];
  const enter = (name: string) => gate.enter().then(() => entered.push(name));
  await Promise.all([enter('a'), enter('b')]);
  const third = enter('c');
  const fourth = enter('d');
  await Promise.resolve();
  expect(entered).toEqual(['a', 'b']);
  gate.leave();
  await third;
  expect(entered).toEqual(['a', 'b', 'c']);
  gate.leave();
  await fourth;
  expect(entered).toEqual(['a', 'b', 'c', 'd']);
});

it('a semaphore lets waiting callers abort and keeps no permit for them', async () => {
  const gate = new Semaphore(1);
  await gate.enter();
  const abort = new AbortController();
  const waiting = gate.enter(abort.signal);
  const next = gate.enter();
  abort.abort(new Error('no longer wanted'));
  await expect(waiting).rejects.toThrow('no longer wanted');
  gate.leave();
  await next;
  await expect(gate.enter(abort.signal)).rejects.toThrow('no longer wanted');
});

it('runs work alone, after those inside and before those that come later', async () => {
  const semaphore = new Semaphore(3);
  const order: string[] = [];
  await semaphore.enter();
  const alone = ['first', 'second'].map((name) => semaphore.runAlone(async () => order.push(name)));
  await new Promise((resolve) => setImmediate(resolve));
  const later = semaphore.enter().then(() => {
    order.push('later');
    semaphore.leave();
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual([]);
  semaphore.leave();
  await Promise.all([...alone, later]);
  expect(order).toHaveLength(3);
  expect(order[0]).toBe('first');
});

it('frees all places when work that runs alone fails', async () => {
  const semaphore = new Semaphore(2);
  await expect(semaphore.runAlone(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  await Promise.all([semaphore.enter(), semaphore.enter()]);
  const abort = new AbortController();
  const waiting = semaphore.runAlone(async () => 'never', abort.signal);
  abort.abort(new Error('no longer wanted'));
  await expect(waiting).rejects.toThrow('no longer wanted');
  semaphore.leave();
  await semaphore.enter();
});
