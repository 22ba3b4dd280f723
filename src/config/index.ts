export { type ConfigFault, describeFault } from './faults.ts';
export { type HotlineConfig, type HotlineSettings, type Line, lineByDnis, type Trunk } from './hotline.ts';
export { type LoadOptions, type LoadResult, loadHotlineConfig } from './load.ts';
export { type CallerNumber, type DialledNumber, normaliseAni, normaliseDialled } from './numbers.ts';
export { readServiceSettings, type ServiceSettings, serviceSettingsSchema } from './service-settings.ts';
