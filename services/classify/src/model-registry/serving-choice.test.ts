import type { HeadActivated, HeadTrained } from '@headwater/schemas';
import { describe, expect, it } from 'vitest';
import { chooseServing, type HeadName, replaceErased } from './serving-choice.ts';
import { ServingView } from './serving-view.ts';

function name(version: number, extractor = 'a.v1'): HeadName {
  return { task: 'digit', extractor, kind: 'lda', version };
}

function trained(version: number, extractor = 'a.v1'): HeadTrained {
  return {
    ...name(version, extractor),
    digest: 'd',
    setDigest: 's',
    arithmetic: 1,
    watermark: version,
    mode: 'provisional',
    classes: ['x'],
    parameters: Buffer.from('p'),
    dimensions: 8,
    examples: 1,
    regularization: null,
    temperature: 1,
    measurements: {},
    trainedAt: version,
  };
}

function activation(version: number, reason: HeadActivated['reason'], extractor = 'a.v1'): HeadActivated {
  return { ...name(version, extractor), reason, activatedAt: version };
}

describe('chooseServing', () => {
  const order = ['a.v1', 'b.v1'];
  const as = (active: HeadActivated, shadowed = false) => ({ ...active, shadowed });

  it('takes the newest head of the first extractor that has one', () => {
    expect(chooseServing([trained(4, 'b.v1')], undefined, order)).toMatchObject(name(4, 'b.v1'));
    const current = as(activation(4, 'champion', 'b.v1'));
    expect(chooseServing([trained(4, 'b.v1'), trained(1)], current, order)).toMatchObject(name(1));
    expect(chooseServing([trained(4, 'b.v1')], current, order)).toBeUndefined();
    expect(chooseServing([trained(1, 'c.v1')], undefined, order)).toBeUndefined();
  });

  it('keeps a pinned head, and repeats a pin that a champion shadows', () => {
    expect(chooseServing([trained(5)], as(activation(1, 'pinned')), order)).toBeUndefined();
    expect(chooseServing([trained(5)], as(activation(1, 'pinned'), true), order)).toEqual(
      activation(1, 'pinned'),
    );
  });

  it('deactivates the serving head when the task has no examples', () => {
    expect(chooseServing([], as(activation(1, 'champion')), order)).toBeNull();
    expect(chooseServing([], undefined, order)).toBeUndefined();
    expect(chooseServing([undefined], as(activation(1, 'champion')), order)).toBeUndefined();
  });
});

describe('replaceErased', () => {
  const registry = { erased: [], newest: [], isKnown: () => true, hasExamples: () => true };

  it('keeps a head that is neither erased nor missing', () => {
    expect(replaceErased(name(1), { ...registry, erased: [name(2)] })).toBeUndefined();
    expect(replaceErased(name(1), { ...registry, newest: [name(1)], isKnown: () => false })).toBeUndefined();
  });

  it('activates the newest head of the series that is not erased', () => {
    const newest = [name(3, 'b.v1'), name(1), name(2)];
    const successor = { ...name(2), reason: 'champion' };
    expect(replaceErased(name(1), { ...registry, erased: [name(1)], newest })).toMatchObject(successor);
    expect(replaceErased(name(9), { ...registry, newest, isKnown: () => false })).toMatchObject(name(1));
  });

  it('deactivates the head where its series has no successor, or its set no examples', () => {
    expect(replaceErased(name(1), { ...registry, erased: [name(1)], newest: [name(2, 'b.v1')] })).toBeNull();
    const empty = { ...registry, erased: [name(1)], newest: [name(2)], hasExamples: () => false };
    expect(replaceErased(name(1), empty)).toBeNull();
  });
});

describe('ServingView', () => {
  const viewOf = (seen: HeadActivated | undefined) =>
    new ServingView({ activation: () => (seen === undefined ? undefined : { ...seen, shadowed: false }) });

  it('shows own commits that the table does not show yet', () => {
    const view = viewOf(activation(1, 'champion'));
    expect(view.activation('digit')).toMatchObject(name(1));
    view.committed(new Map([['digit', activation(2, 'champion')]]));
    expect(view.activation('digit')).toMatchObject(name(2));
    view.committed(new Map([['digit', null]]));
    expect(view.activation('digit')).toBeUndefined();
  });

  it('prefers a pin in the table, and activations later than the own commit', () => {
    const pinned = viewOf(activation(1, 'pinned'));
    const later = viewOf({ ...activation(1, 'champion'), activatedAt: Date.now() + 60_000 });
    for (const view of [pinned, later]) {
      view.committed(new Map([['digit', activation(2, 'champion')]]));
      expect(view.activation('digit')).toMatchObject(name(1));
    }
  });
});
