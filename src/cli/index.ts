export { runTestCall } from './call.ts';
export type { CallPorts, RunningHotline, TestLeg, TestPhone, TestPhones } from './call-ports.ts';
export { runDoctor } from './doctor.ts';
export { runDown } from './down.ts';
export { type LevelsPorts, runLevels } from './levels.ts';
export { type RecordingPorts, runRecording } from './recording.ts';
export { processTerminal, type Terminal } from './terminal.ts';
export { runUp, type UpPorts } from './up.ts';
