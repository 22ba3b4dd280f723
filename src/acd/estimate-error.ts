import { secondMs } from '../foundation/index.ts';

/**
 * How far estimates were off, |told − waited|, of a queue's answered contacts: counts in classes of a tenth more each, older ones fading.
 * Plain data of a fixed size.
 */
export interface EstimateErrors {
  readonly weights: readonly number[];
}

export interface EstimateErrorView {
  readonly p50Ms: number;
  readonly p90Ms: number;
  /** How many contacts it rests on, faded. */
  readonly contacts: number;
}

/** The first class ends here: nobody tells seconds from one another. */
const firstMs = secondMs;
const growth = 1.1;
/** 1.1^95 s is more than two hours. */
const classes = 96;
/** Contacts after which an error counts 1/e. */
const memory = 500;

export const noErrors: EstimateErrors = { weights: Array.from({ length: classes }, () => 0) };

export function withError(
  errors: EstimateErrors,
  contact: { readonly estimateMs: number; readonly waitMs: number },
): EstimateErrors {
  const errorMs = Math.abs(contact.estimateMs - contact.waitMs);
  const own = errorMs <= firstMs ? 0 : Math.ceil(Math.log(errorMs / firstMs) / Math.log(growth));
  const kept = 1 - 1 / memory;
  return {
    weights: errors.weights.map((weight, i) => weight * kept + (i === Math.min(own, classes - 1) ? 1 : 0)),
  };
}

/** Undefined: nobody was told anything yet. */
export function errorView(errors: EstimateErrors): EstimateErrorView | undefined {
  const contacts = errors.weights.reduce((sum, weight) => sum + weight, 0);
  if (contacts === 0) return undefined;
  return { p50Ms: quantile(errors, 0.5 * contacts), p90Ms: quantile(errors, 0.9 * contacts), contacts };
}

/** The error below which `weight` lies, evenly within its class. */
function quantile({ weights }: EstimateErrors, weight: number): number {
  let below = 0;
  for (const [i, own] of weights.entries()) {
    if (own > 0 && below + own >= weight) {
      const fromMs = i === 0 ? 0 : firstMs * growth ** (i - 1);
      return Math.round(fromMs + ((weight - below) / own) * (firstMs * growth ** i - fromMs));
    }
    below += own;
  }
  return Math.round(firstMs * growth ** (classes - 1));
}
