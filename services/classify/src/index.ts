/** Join, train and predict. */
export { type ConfiguredFiles, openConfiguredFiles } from './configured-files.ts';
export { type ClassifyConfig, classifyEnvironment } from './environment.ts';
export { classifyAccess } from './http/access.ts';
export type { HeadView, TaskView } from './http/task-views.ts';
export type { ServedSummary } from './join/join-board.ts';
export { startClassify } from './service.ts';
export { openTaskSettings } from './task-settings.ts';
