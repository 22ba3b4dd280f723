export type { CallPorts, RunningHotline, TestLeg, TestPhone, TestPhones } from './call-ports.ts';
export { runTestCall } from './call.ts';
export { runDoctor } from './doctor.ts';
export { runDown } from './down.ts';
export { processTerminal, type Terminal } from './terminal.ts';
export { runUp } from './up.ts';
