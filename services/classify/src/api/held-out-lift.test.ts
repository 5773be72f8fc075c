/** What is left out is judged by the heads that a task has, with a lift of its own, and not by those of the other tasks. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMemoryLog } from '@headwater/log';
import { expect, it } from 'vitest';
import { ClassifyFixture, eventually } from '../testing/classify-fixture.ts';

interface HeldOut {
  readonly considered: number;
  readonly report: { readonly accuracy: number };
}

const images = 80;

/** Opposite corners are alike: only with a lift can heads, which draw straight lines, tell them from the other two. */
function cornerOf(image: number): { readonly vector: number[]; readonly label: string } {
  const [x, y] = [image % 2 === 0 ? 1 : -1, image % 4 < 2 ? 1 : -1];
  const vector = Array.from({ length: 8 }, (_, index) => 0.1 * Math.sin(image * 7.3 + index * 3.1));
  vector[0] = (vector[0] ?? 0) + x;
  vector[1] = (vector[1] ?? 0) + y;
  return { vector, label: x === y ? 'alike' : 'unlike' };
}

it('a task’s held-out report is of its own lift, and not of what the other tasks have', async () => {
  const fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  try {
    const path = join(fixture.dataDir, 'tasks.yaml');
    writeFileSync(path, 'tasks: { lifted: { lift: 64 } }');
    const service = await fixture.start({ TASKS: 'lifted,flat', TASK_SETTINGS: path });
    for (let image = 0; image < images; image++) {
      const { vector, label } = cornerOf(image);
      await fixture.sendVector(`i${image}`, vector);
      for (const task of ['lifted', 'flat']) await fixture.sendLabel(`i${image}`, label, { task });
    }
    const accuracyOf = async (task: string) => {
      await fixture.settled(images, task);
      const report = `/v1/tasks/${task}/measurements/lda?over=held-out`;
      const { body } = await eventually(async () => {
        const answer = await fixture.api<HeldOut>(service, report);
        return answer.status === 200 && answer;
      });
      expect(body.considered).toBe(images);
      return body.report.accuracy;
    };
    expect(await accuracyOf('lifted')).toBeGreaterThan(0.95);
    expect(await accuracyOf('flat')).toBeLessThan(0.75);
  } finally {
    await fixture.close();
  }
});
