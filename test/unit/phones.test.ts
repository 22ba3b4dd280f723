import t from 'tap';
import { Changes } from '../../src/foundation/index.ts';
import { renderPhonesConfig } from '../../src/phones/asterisk-config.ts';
import { splitStereo, toneMs, toneStartMs } from '../../src/phones/index.ts';
import { renderTone } from '../../src/phones/tones.ts';
import { readStereoWav, toneStretch } from '../support/audio.ts';

const samplesOf = (bytes: Uint8Array): Int16Array => new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);

function noise(length: number): Int16Array {
  let seed = 1;
  return Int16Array.from({ length }, () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return (seed % 16_384) - 8_192;
  });
}

void t.test('a tone is found where it sounds, and no other', async (t) => {
  const tone = samplesOf(renderTone(1_000, 1_000));
  const samples = new Int16Array(24_000);
  samples.set(tone, 8_000);
  t.equal(toneMs(samples, 1_000), 1_000);
  t.equal(toneStartMs(samples, 1_000), 1_000);
  t.same(toneStretch(samples, 1_000), { fromMs: 1_000, toMs: 2_000, soundsMs: 1_000 });
  for (const hz of [400, 900, 1_100, 1_300]) t.equal(toneMs(samples, hz), 0, `${hz} Hz`);
});

void t.test('silence and noise hold no tone', async (t) => {
  t.equal(toneMs(new Int16Array(8_000), 1_000), 0);
  t.equal(toneMs(noise(8_000), 1_000), 0);
  t.equal(toneStartMs(noise(8_000), 1_000), undefined);
});

void t.test('two voices are told apart by channel', async (t) => {
  const [left, right] = [samplesOf(renderTone(1_000, 500)), samplesOf(renderTone(1_300, 500))];
  const frames = new Int16Array(left.length * 2);
  left.forEach((sample, i) => {
    frames[2 * i] = sample;
    frames[2 * i + 1] = right[i] ?? 0;
  });
  const bytes = new Uint8Array(frames.buffer);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + bytes.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(2, 22);
  header.writeUInt32LE(8_000, 24);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(bytes.length, 40);
  for (const audio of [splitStereo(bytes), readStereoWav(Buffer.concat([header, bytes]))]) {
    t.equal(toneMs(audio.left, 1_000), 500);
    t.equal(toneMs(audio.right, 1_300), 500);
    t.equal(toneMs(audio.left, 1_300), 0);
  }
  t.throws(() => readStereoWav(Buffer.from('no wave at all')));
});

void t.test('everything the second Asterisk binds is on its own loopback addresses', async (t) => {
  const files = renderPhonesConfig({
    program: {
      version: '22.10.1',
      command: () => ({ file: '', args: [], env: {} }),
      moduleDir: '/m',
      dataDir: '/d',
      musicDir: '/d/moh',
    },
    dir: '/dev/shm/x',
    callerAddress: '127.0.0.2',
    callerPort: 20_001,
    phoneAddress: '127.0.0.3',
    phonePort: 20_002,
    ariPort: 20_003,
    amiPort: 20_004,
    rtpPorts: { first: 32_000, last: 32_998 },
    user: 'phones',
    password: 'secret',
    target: { host: '127.0.0.1', port: 5_060 },
  });
  for (const [name, text] of Object.entries(files)) {
    for (const [, address] of text.matchAll(/^(?:bind|bindaddr|media_address) = ([\d.]+)/gm)) {
      t.match(address, /^127\.0\.0\.[23]$/, name);
    }
  }
  t.match(files['modules.conf'], /autoload = no/);
});

void t.test('a wait ends with what it waited for, with its failure, or at its limit', async (t) => {
  const changes = new Changes();
  let value: number | undefined;
  const waiting = changes.until(() => value, { limitMs: 1_000, what: 'a value' });
  value = 7;
  changes.notify();
  t.equal(await waiting, 7);
  await t.rejects(
    changes.until(
      () => {
        throw new Error('broken');
      },
      { limitMs: 1_000, what: 'a value' },
    ),
    { message: 'broken' },
  );
  await t.rejects(
    changes.until(() => undefined, { limitMs: 5, what: 'a miracle' }),
    {
      code: 'TIMED_OUT',
      message: 'expected a miracle within 5 ms, and it did not happen',
    },
  );
});
