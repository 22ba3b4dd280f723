import { Worker } from 'node:worker_threads';
import { DozvonError } from '../../src/foundation/index.ts';
import { perform, type Task, type TaskResult } from './task.ts';

interface Answer {
  readonly result?: TaskResult;
  readonly failure?: string;
}

/** Threads that make replications, each one at a time; without threads they are made here. Ends with `stop()`. */
export class Workers {
  readonly #threads: readonly Worker[];

  constructor(count: number) {
    this.#threads = Array.from({ length: count }, () => new Worker(new URL('./worker.ts', import.meta.url)));
  }

  /** The results in the order of the tasks. */
  async run(tasks: readonly Task[]): Promise<readonly TaskResult[]> {
    const results: TaskResult[] = [];
    let next = 0;
    const takeTasks = async (perform: (task: Task) => Promise<TaskResult>): Promise<void> => {
      for (let i = next; i < tasks.length; i = next) {
        next += 1;
        const task = tasks[i];
        if (task !== undefined) results[i] = await perform(task);
      }
    };
    if (this.#threads.length === 0) await takeTasks(perform);
    else await Promise.all(this.#threads.map((thread) => takeTasks((task) => ask(thread, task))));
    return results;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}

function ask(thread: Worker, task: Task): Promise<TaskResult> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      thread.off('message', onMessage);
      thread.off('error', onError);
    };
    const onMessage = ({ result, failure }: Answer): void => {
      settle();
      if (result !== undefined) resolve(result);
      else reject(new DozvonError('REPLICATION_FAILED', `${task.scenarioId}: ${failure ?? 'no result'}`));
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    thread.on('message', onMessage);
    thread.on('error', onError);
    thread.postMessage(task);
  });
}
