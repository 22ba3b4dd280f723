/**
 * Numbers of cases as callers hear, write down and key them: digits only, the first never 0 (a leading zero gets lost on
 * paper), the last a check digit by H. Michael Damm's method, which finds every single wrong digit and every swap of neighbours.
 */

/** Digits before the check digit: nine million numbers, still short enough to read out in two breaths. */
const bodyLength = 7;
/** Numbers grow by digits when they run out; this is the longest that is still a case number. */
const longestBody = 11;

/** Damm's quasigroup of order 10 (totally anti-symmetric, zeros on the diagonal), one row a line. */
const quasigroup = [
  '0317598642',
  '7092154863',
  '4206871359',
  '1750983426',
  '6123045978',
  '3674209581',
  '5869720134',
  '8945362017',
  '9438617205',
  '2581436790',
] as const;

/** Runs the digits through the quasigroup; 0 for a number whose check digit fits. */
function interimDigit(digits: string): number {
  let interim = 0;
  for (const digit of digits) interim = Number(quasigroup[interim]?.charAt(Number(digit)));
  return interim;
}

/** The number with its check digit. `body`: digits, the first not 0. */
export function withCheckDigit(body: string): string {
  return `${body}${interimDigit(body)}`;
}

/**
 * Draws a case number. `pick(from, to)` returns a whole number in [from, to); numbers are drawn, not counted, so that one number
 * tells nothing of another or of how many cases there are. `extraDigits` widens the range once draws collide too often.
 */
export function drawCaseNumber(pick: (from: number, to: number) => number, extraDigits = 0): string {
  const length = Math.min(bodyLength + extraDigits, longestBody);
  return withCheckDigit(String(pick(10 ** (length - 1), 10 ** length)));
}

/** Takes a number as keyed or typed (spaces and dashes allowed); undefined when it cannot be a case number: a slip. */
export function parseCaseNumber(text: string): string | undefined {
  const digits = text.replace(/[\s-]/g, '');
  if (!/^[1-9][0-9]+$/.test(digits)) return undefined;
  if (digits.length <= bodyLength || digits.length > longestBody + 1) return undefined;
  return interimDigit(digits) === 0 ? digits : undefined;
}
