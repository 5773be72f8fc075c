/** Join, train and predict. */
export { classifyAccess } from './api/access.ts';
export type { HeadView, TaskView } from './api/task-views.ts';
export { type ConfiguredFiles, openConfiguredFiles } from './configured-files.ts';
export { type ClassifyConfig, classifyEnvironment } from './environment.ts';
export type { ServedSummary } from './join/monitoring/join-metrics.ts';
export { checkLabel, checkSourceLabel, writtenAt } from './join/record-checks.ts';
export { checkRow } from './offline/exchange/example-files/row.ts';
export { startClassify } from './service.ts';
export { openTaskSettings } from './task-settings.ts';
