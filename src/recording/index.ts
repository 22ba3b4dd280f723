export { type ExportResult, type ExportStretch, exportWav } from './export-wav.ts';
export type { OpenRequest, RecordingEnd } from './followed-recordings.ts';
export type * from './ports.ts';
export {
  createRecordingService,
  type RecordingService,
  type RecordingServiceOptions,
  type Recovered,
  type RecoveryVerdict,
} from './recording-service.ts';
