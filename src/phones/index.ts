export type { RunAs } from './asterisk-process.ts';
export type { Citizen, CitizenBehaviour, DialledCall } from './citizen.ts';
export type { BaseAudio, PhoneLeg, PhoneLegEnd, PhoneLegState, Refusal } from './leg.ts';
export type { Phone, PhoneBehaviour } from './phone.ts';
export { type CallRequest, type Phones, type PhonesOptions, startPhones } from './phones.ts';
export { splitStereo, type TwoChannelAudio, toneMs, toneStartMs, toneWindows } from './tones.ts';
