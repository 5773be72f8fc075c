/** Opens the files of the configuration together, before anything starts, so that one error lists all their faults. */
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
  /** EXTRACTOR_FILES, by the id in each file. */
  readonly extractorFiles: ReadonlyMap<string, string>;
}

/** Errors: config-invalid, with the faults of each file. */
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

/** An error that is no fault of the configuration goes first, so that the others do not hide it. */
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
