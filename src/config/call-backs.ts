import { z } from 'zod';
import {
  type CallBackSettings,
  callBackSettingsSchema,
  type NumberZones,
  numberZonesSchema,
} from '../callbacks/index.ts';
import type { ConfigDocument } from './documents.ts';
import { type ConfigFault, type Mismatch, matchSchema } from './faults.ts';
import type { HotlineConfig } from './hotline.ts';

const callBackSheetSchema = z.strictObject({ queues: z.record(z.string(), callBackSettingsSchema).default({}) });

/** Both documents that say how callers are called back. */
export function readCallingBack(
  documents: { readonly callBacks: ConfigDocument | undefined; readonly numberZones: ConfigDocument | undefined },
  queueIds: ReadonlySet<string>,
): {
  readonly config: Pick<HotlineConfig, 'callBacks' | 'numberZones'>;
  /** The resolved content of each. */
  readonly source: Readonly<Record<string, unknown>>;
  readonly faults: readonly ConfigFault[];
} {
  const { callBacks, faults } = readCallBacks(documents.callBacks, queueIds);
  const { numberZones, faults: zoneFaults } = readNumberZones(documents.numberZones);
  return {
    config: { callBacks, numberZones },
    source: { callBacks: documents.callBacks?.value, numberZones: documents.numberZones?.value },
    faults: [...faults, ...zoneFaults],
  };
}

/** By queue; a queue that the document does not name has no call-backs, and without a document none has. */
function readCallBacks(
  document: ConfigDocument | undefined,
  queueIds: ReadonlySet<string>,
): { readonly callBacks: Readonly<Record<string, CallBackSettings>>; readonly faults: readonly ConfigFault[] } {
  if (document === undefined) return { callBacks: {}, faults: [] };
  const { value: sheet, mismatches } = matchSchema(callBackSheetSchema, document.value ?? {}, []);
  const unknown = Object.keys(sheet?.queues ?? {})
    .filter((queueId) => !queueIds.has(queueId))
    .map((queueId) => ({ path: ['queues', queueId], expected: 'the id of a queue', got: `"${queueId}"` }));
  return { callBacks: sheet?.queues ?? {}, faults: placed(document, [...mismatches, ...unknown]) };
}

/** Without a document a number may be anywhere, and only who says what o'clock it is where he is can be called. */
function readNumberZones(document: ConfigDocument | undefined): {
  readonly numberZones: NumberZones;
  readonly faults: readonly ConfigFault[];
} {
  const { value, mismatches } = matchSchema(numberZonesSchema, document?.value ?? {}, []);
  const numberZones = value ?? { countries: {}, areas: [] };
  return {
    numberZones,
    faults: document === undefined ? [] : placed(document, [...mismatches, ...repeated(numberZones)]),
  };
}

/** A code that stands in two places would be in either by chance. */
function repeated({ areas }: NumberZones): readonly Mismatch[] {
  const seen = new Set<string>();
  return areas.flatMap(({ country, codes }, area) =>
    codes.flatMap((code, at): readonly Mismatch[] => {
      const key = `${country} ${code}`;
      if (!seen.has(key)) {
        seen.add(key);
        return [];
      }
      return [{ path: ['areas', area, 'codes', at], expected: 'a code that stands nowhere else', got: `"${code}"` }];
    }),
  );
}

function placed(document: ConfigDocument, mismatches: readonly Mismatch[]): readonly ConfigFault[] {
  return mismatches.map((mismatch) => document.fault(mismatch));
}
