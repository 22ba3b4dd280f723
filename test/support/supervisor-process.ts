/** Starts a stack in a process of its own, to be killed by the test. The request comes as JSON in the first argument. */
import { startStack } from '../../src/runtime/index.ts';
import { renderAsteriskConfig } from '../../src/telephony/index.ts';

const request = JSON.parse(process.argv[2] ?? '{}');
const stack = await startStack({ ...request, renderAsterisk: renderAsteriskConfig, onProgress: () => {} });
process.stdout.write(`${JSON.stringify(stack.children().map((child) => child.pid))}\n`);
process.once('SIGTERM', () => void stack.stop());
