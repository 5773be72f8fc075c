/** Finds, and writes again, records that were acknowledged and lost. */
export { type AuditReport, type AuditVerdict, audit, verdictOf } from './audit.ts';
export { type Finding, type FindingCounts, type FindingKind, findingKinds } from './findings.ts';
export type { AuditOptions, Reprocessor } from './options.ts';
