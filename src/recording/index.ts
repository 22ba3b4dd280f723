export type { ExportResult, ExportStretch } from './export-wav.ts';
export type * from './ports.ts';
export {
  createRecordingService,
  type RecordingEnd,
  type RecordingService,
  type RecordingServiceOptions,
  type RecoveryVerdict,
} from './recording-service.ts';
