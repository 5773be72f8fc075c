/** Finds, and writes again, records that were acknowledged and lost. */
export {
  type AuditOptions,
  type AuditReport,
  type AuditVerdict,
  audit,
  type ExtractAgain,
  verdictOf,
} from './audit.ts';
export { type Finding, type FindingCounts, type FindingKind, findingKinds } from './findings.ts';
