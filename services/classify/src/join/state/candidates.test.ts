import { describe, expect, it } from 'vitest';
import type { Draft } from '../../store/state.ts';
import { InMemoryState } from '../../testing/in-memory-state.ts';
import { type Candidate, candidates, offerCandidate, readCandidates } from './candidates.ts';
import { deleteImageEntries } from './ring-buffer.ts';

const urgency = new Map<string, number>();
const judge = (candidate: Candidate) => {
  const priority = urgency.get(candidate.imageId);
  return priority === undefined ? undefined : { ...candidate, version: 2, priority };
};

function offer(state: InMemoryState, imageId: string, priority: number): void {
  urgency.set(imageId, priority);
  state.commit((draft: Draft) => offerCandidate(draft, 'digit', { imageId, version: 1, priority }, judge));
}

describe('candidates for a label', () => {
  it('stay bounded, and keep the most urgent', () => {
    const state = new InMemoryState();
    const total = 3 * candidates.size;
    for (let i = 0; i < total; i++) offer(state, `i${i}`, i < 100 ? 0.9 : 0.1);
    const kept = readCandidates(state, 'digit');
    expect(kept).toHaveLength(candidates.size);
    expect(kept.filter(({ priority }) => priority === 0.9)).toHaveLength(100);
  });

  it('lose their place when a later head is confident about them, or when they are labelled', () => {
    const state = new InMemoryState();
    for (let i = 0; i < candidates.size; i++) offer(state, `i${i}`, 0.9);
    urgency.set('i0', 0.05);
    urgency.delete('i1');
    for (let i = 0; i < 3; i++) offer(state, `n${i}`, 0.5);
    const kept = new Set(readCandidates(state, 'digit').map(({ imageId }) => imageId));
    expect(['i0', 'i1', 'i2', 'n0', 'n1', 'n2'].filter((id) => kept.has(id))).toEqual(['i2', 'n0', 'n1']);
  });

  it('are deleted with their image', () => {
    const state = new InMemoryState();
    for (const id of ['a', 'b']) offer(state, id, 0.5);
    state.commit((draft) => deleteImageEntries(draft, 'a'));
    expect(readCandidates(state, 'digit').map(({ imageId }) => imageId)).toEqual(['b']);
  });
});
