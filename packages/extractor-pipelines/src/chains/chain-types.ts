/**
 * Checks whether steps fit together before any is opened: each must take what the one before gives, and the last must give a
 * vector.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Stage, ValueType } from '@headwater/extractors';
import { stageMethods } from '../methods/method-table.ts';
import { type ChainContext, methodOf, needsFitting, optionsOf, withStepContext } from './chain-context.ts';
import type { BranchesStep, ChainStep, MethodStep } from './chain-file.ts';

type Types = Pick<Stage, 'takes' | 'gives'>;

/** Methods that convert a type to one that another step takes. */
function bridgesFrom(given: ValueType, wanted: readonly ValueType[]): string {
  const bridges = stageMethods()
    .filter(({ takes, gives }) => takes.includes(given) && wanted.includes(gives) && gives !== given)
    .map(({ method }) => method);
  return bridges.length > 0 ? `; put one of these before it: ${bridges.join(', ')}` : '';
}

/** Errors: config-invalid. */
export function checkTakes(given: ValueType, { takes }: Pick<Stage, 'takes'>): void {
  if (takes.includes(given)) return;
  const found = `takes ${takes.join(' or ')}, but is given ${given}`;
  throw new HeadwaterError('config-invalid', `${found}${bridgesFrom(given, takes)}`);
}

/** Runs a check of one step and adds its context to errors. */
function checkAt<T>(context: ChainContext, link: MethodStep, check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    throw withStepContext(context, link, thrown);
  }
}

function typesOf(context: ChainContext, link: MethodStep): Types {
  const method = methodOf(context, link);
  const options = optionsOf(context, link);
  // Methods that are fitted check their options at the start of fitting: it is better to fail here than after an hour.
  if (needsFitting(method, options)) method.fit?.(options);
  return method.types?.(options) ?? method;
}

function givenByMethod(context: ChainContext, link: MethodStep, given: ValueType): ValueType {
  return checkAt(context, link, () => {
    const types = typesOf(context, link);
    checkTakes(given, types);
    return types.gives;
  });
}

/** Errors: config-invalid. */
export function checkVector(
  { file }: Pick<ChainContext, 'file'>,
  place: string,
  gives: ValueType,
): asserts gives is 'vector' {
  if (gives === 'vector') return;
  const message = `${file}: ${place} ends with ${gives}, but must end with a vector`;
  throw new HeadwaterError(
    'config-invalid',
    `${message}${bridgesFrom(gives, ['vector']).replace('before it', 'at its end')}`,
  );
}

function givenByBranches(
  context: ChainContext,
  { branches, place }: BranchesStep,
  given: ValueType,
): 'vector' {
  for (const { name, links } of branches) {
    checkVector(context, `the branch ${place}.${name}`, checkTypes(context, links, given));
  }
  return 'vector';
}

/** The type that a sequence of steps gives. Errors: config-invalid. */
export function checkTypes(context: ChainContext, links: readonly ChainStep[], given: ValueType): ValueType {
  let current = given;
  for (const link of links) {
    current =
      link.kind === 'method'
        ? givenByMethod(context, link, current)
        : givenByBranches(context, link, current);
  }
  return current;
}
