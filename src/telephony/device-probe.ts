import type { AriConnection } from '../ari/index.ts';
import { DozvonError } from '../foundation/index.ts';

/**
 * Reads which devices are registered. ARI lists no registrations, but a dialplan function does, on any channel: a local one that is
 * never dialled is made for the time of the question. Changes afterwards come as events.
 */
export async function readDevices(
  connection: AriConnection,
  options: { readonly app: string; readonly probeId: string; readonly extensions: readonly string[] },
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { app, probeId, extensions } = options;
  const created = await connection.perform('POST /channels/create', {
    endpoint: 'Local/s@nowhere/n',
    app,
    channelId: probeId,
  });
  if (!created.ok) {
    throw new DozvonError(
      'ARI_REFUSED',
      `reading of registrations: expected 200, got ${created.status} (${created.reason})`,
    );
  }
  try {
    const answers = extensions.map((extension) => readOne(connection, probeId, extension));
    return new Map(await Promise.all(answers));
  } finally {
    await connection.perform('DELETE /channels/{channelId}', { channelId: probeId });
  }
}

async function readOne(
  connection: AriConnection,
  probeId: string,
  extension: string,
): Promise<readonly [string, readonly string[]]> {
  const reply = await connection.perform('GET /channels/{channelId}/variable', {
    channelId: probeId,
    variable: `PJSIP_DIAL_CONTACTS(${extension})`,
  });
  // An extension that Asterisk does not know has no devices.
  return [extension, reply.ok ? parseDevices(reply.body.value) : []];
}

/** Asterisk joins the dial strings with "&", which a contact's address may hold as well. */
export function parseDevices(dialString: string): readonly string[] {
  if (dialString === '') return [];
  return dialString.split(/&(?=PJSIP\/)/).sort();
}
