/** Conversions between what the rooms hold and what PostgreSQL takes. */

/** PostgreSQL's text knows no NUL and no half of a surrogate pair; a SIP header may hold either, and must not lose the record. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** How `JSON.stringify` writes a NUL or half of a surrogate pair (or, harmless here, a text that looks like it). */
const unstorableInJson = /\\u(?:0000|d[89a-f])/;

/** JSON that jsonb accepts. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!unstorableInJson.test(text)) return text;
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? storableText(inner) : inner));
}

/** As JSON has it for timestamptz. */
export function instantText(ms: number): string {
  return new Date(ms).toISOString();
}

export function instant(ms: number): Date {
  return new Date(ms);
}

/** bigint columns take whole numbers only. */
export function wholeOrNull(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value);
}

/** The object without its null members, as optional properties are absent here rather than undefined. */
export function present<T extends Readonly<Record<string, unknown>>>(
  fields: T,
): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

export function msOrNull(at: Date | null): number | null {
  return at === null ? null : at.getTime();
}
