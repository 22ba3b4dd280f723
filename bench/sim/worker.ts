import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../src/foundation/index.ts';
import { perform, type Task } from './task.ts';

parentPort?.on('message', (task: Task) => {
  perform(task).then(
    (result) => parentPort?.postMessage({ result }),
    (error: unknown) => parentPort?.postMessage({ failure: messageOf(error) }),
  );
});
