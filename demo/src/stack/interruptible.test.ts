import { createLifecycle, createLogger } from '@headwater/service-kit';
import { describe, expect, it } from 'vitest';
import { interruptible } from './interruptible.ts';

describe('an interruptible lifecycle', () => {
  it('finishes and closes the part in progress, and opens no other', async () => {
    const controller = new AbortController();
    const events: string[] = [];
    const lifecycle = interruptible(
      createLifecycle(createLogger({ name: 'test', level: 'silent' })),
      controller.signal,
    );
    const part = (name: string) => ({
      name,
      open: async () => {
        events.push(`open ${name}`);
        if (name === 'second') controller.abort(new Error('enough'));
        await new Promise(setImmediate);
      },
      close: () => void events.push(`close ${name}`),
    });
    await lifecycle.open(part('first'));
    await expect(lifecycle.open(part('second'))).rejects.toThrow('enough');
    await expect(lifecycle.open(part('third'))).rejects.toThrow('enough');
    await lifecycle.close();
    expect(events).toEqual(['open first', 'open second', 'close second', 'close first']);
  });
});
