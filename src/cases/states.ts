import type { CaseState } from './ports.ts';

/**
 * ```
 * registered ──▶ inProgress ──▶ closed
 *      │            ▲  │  ▲        │
 *      │            │  ▼  └────────┘ the caller does not confirm
 *      └────────▶ escalated ──▶ closed
 * ```
 */
const next: Readonly<Record<CaseState, readonly CaseState[]>> = {
  registered: ['inProgress', 'escalated', 'closed'],
  inProgress: ['escalated', 'closed'],
  escalated: ['inProgress', 'closed'],
  closed: ['inProgress'],
};

/** True when a case in state `from` may go to state `to`. */
export function mayFollow(from: CaseState, to: CaseState): boolean {
  return next[from].includes(to);
}
