/** The estimate of a mean, and how sure it is. */
export interface Estimate {
  readonly mean: number;
  readonly standardError: number;
  readonly degreesOfFreedom: number;
}

/**
 * Mean of `values` (one a replication) less what the controls explain (Lavenberg, Welch 1981): the intercept of the least squares fit of
 * the values on the controls, whose expectations are 0. With normal replications, intercept and standard error are exactly those of a
 * Student interval with as many degrees of freedom as are left.
 */
export function controlledMean(values: readonly number[], controls: readonly (readonly number[])[]): Estimate {
  const width = 1 + (controls[0]?.length ?? 0);
  const rows = values.map((_, i) => [1, ...(controls[i] ?? [])]);
  // Columns of one size, or the inverse loses digits.
  const scales = Array.from({ length: width }, (_, j) => Math.max(...rows.map((row) => Math.abs(row[j] ?? 0))) || 1);
  const scaled = rows.map((row) => row.map((value, j) => value / (scales[j] ?? 1)));
  const inverse = inverseOf(
    scales.map((_, i) => scales.map((_, j) => sum(scaled.map((row) => (row[i] ?? 0) * (row[j] ?? 0))))),
  );
  const moments = scales.map((_, i) => sum(scaled.map((row, r) => (row[i] ?? 0) * (values[r] ?? 0))));
  const fit = inverse.map((line) => sum(line.map((value, j) => value * (moments[j] ?? 0))));
  const residuals = scaled.map((row, r) => (values[r] ?? 0) - sum(row.map((value, j) => value * (fit[j] ?? 0))));
  const degreesOfFreedom = values.length - width;
  const variance = sum(residuals.map((residual) => residual * residual)) / degreesOfFreedom;
  return {
    mean: fit[0] ?? Number.NaN,
    standardError: Math.sqrt(variance * (inverse[0]?.[0] ?? Number.NaN)),
    degreesOfFreedom,
  };
}

/** The ratio of two means over the same replications, with the standard error of first order. */
export function ratioOfMeans(above: readonly number[], below: readonly number[]): Estimate {
  const count = above.length;
  const meanBelow = sum(below) / count;
  const ratio = sum(above) / count / meanBelow;
  const residuals = above.map((value, i) => value - ratio * (below[i] ?? 0));
  const variance = sum(residuals.map((residual) => residual * residual)) / (count - 1);
  return {
    mean: ratio,
    standardError: Math.sqrt(variance / count) / meanBelow,
    degreesOfFreedom: count - 1,
  };
}

/** Half the width of the interval that holds the truth with `confidence`. */
export function halfWidthOf(estimate: Estimate, confidence: number): number {
  return studentQuantile((1 + confidence) / 2, estimate.degreesOfFreedom) * estimate.standardError;
}

/** Quantile of Student's distribution, `probability` above one half. By bisection on its integral. */
export function studentQuantile(probability: number, degreesOfFreedom: number): number {
  let low = 0;
  let high = 1_000;
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (studentUpTo(middle, degreesOfFreedom) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(T ≤ t), t from 0. With t = √ν·tan φ the density becomes cos^(ν−1) φ, which Simpson's rule integrates to all digits needed. */
function studentUpTo(t: number, degreesOfFreedom: number): number {
  const end = Math.atan(t / Math.sqrt(degreesOfFreedom));
  return 0.5 + (0.5 * cosinePower(end, degreesOfFreedom - 1)) / cosinePower(Math.PI / 2, degreesOfFreedom - 1);
}

function cosinePower(end: number, power: number): number {
  const intervals = 400;
  const step = end / intervals;
  let total = 1 + Math.max(0, Math.cos(end)) ** power;
  for (let i = 1; i < intervals; i += 1) total += (i % 2 === 1 ? 4 : 2) * Math.cos(i * step) ** power;
  return (total * step) / 3;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Gauss and Jordan, largest pivot first. */
function inverseOf(matrix: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const size = matrix.length;
  const work = matrix.map((row, i) => [...row, ...matrix.map((_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < size; column += 1) {
    let best = column;
    for (let i = column + 1; i < size; i += 1) {
      if (Math.abs(work[i]?.[column] ?? 0) > Math.abs(work[best]?.[column] ?? 0)) best = i;
    }
    const pivotRow = work[best] ?? [];
    work[best] = work[column] ?? [];
    const pivot = pivotRow[column] ?? Number.NaN;
    work[column] = pivotRow.map((value) => value / pivot);
    for (let i = 0; i < size; i += 1) {
      if (i === column) continue;
      const factor = work[i]?.[column] ?? 0;
      work[i] = (work[i] ?? []).map((value, j) => value - factor * (work[column]?.[j] ?? 0));
    }
  }
  return work.map((row) => row.slice(size));
}
