/** Finds acknowledged records that were lost, and writes them again. */
export { type AuditReport, type AuditVerdict, audit, verdictOf } from './audit.ts';
export { type Finding, type FindingCounts, type FindingKind, findingKinds } from './findings.ts';
export type { AuditOptions, Reprocessor } from './options.ts';
