/**
 * The files that the configuration names, opened together: whoever starts a service, or a whole platform, learns of all that is wrong with them
 * at once, and before anything is started.
 */
import { HeadwaterError } from '@headwater/errors';
import { filesById } from './api/lazy-extractors.ts';
import type { ClassifyConfig } from './environment.ts';
import { type ConfiguredDecisionPolicies, openDecisionPolicies } from './predict/decision-policy.ts';
import { openTaskSettings, type SettingsOf } from './task-settings.ts';

export interface ConfiguredFiles {
  /** COSTS_FILE, and MAX_ERROR_RATE. */
  readonly rules: ConfiguredDecisionPolicies;
  /** TASK_SETTINGS. */
  readonly settingsOf: SettingsOf;
  /** EXTRACTOR_FILES: by the ids that they state. */
  readonly extractorFiles: ReadonlyMap<string, string>;
}

/** Errors: config-invalid, with what is wrong in each file. */
export async function openConfiguredFiles(config: ClassifyConfig): Promise<ConfiguredFiles> {
  const opened = await Promise.allSettled([
    openDecisionPolicies(config.MAX_ERROR_RATE, config.COSTS_FILE),
    openTaskSettings(config),
    filesById(config.EXTRACTOR_FILES),
  ]);
  const [rules, settingsOf, extractorFiles] = opened;
  if (
    rules.status === 'fulfilled' &&
    settingsOf.status === 'fulfilled' &&
    extractorFiles.status === 'fulfilled'
  ) {
    return { rules: rules.value, settingsOf: settingsOf.value, extractorFiles: extractorFiles.value };
  }
  throw joined(opened.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : [])));
}

/** What is no fault of the configuration goes first: it is not to be lost among the others. */
function joined(errors: readonly unknown[]): unknown {
  const invalid = errors.filter(
    (error): error is HeadwaterError => error instanceof HeadwaterError && error.code === 'config-invalid',
  );
  if (invalid.length < errors.length)
    return errors.find((error) => !invalid.includes(error as HeadwaterError));
  const [first] = invalid;
  if (invalid.length === 1) return first;
  return new HeadwaterError('config-invalid', invalid.map(({ message }) => message).join('\n'), {
    cause: first,
  });
}
