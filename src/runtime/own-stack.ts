import { join, resolve } from 'node:path';
import type { AsteriskProgram } from '../foundation/index.ts';
import { copyApp } from './app-copy.ts';
import type { ChildEvent } from './child.ts';
import { chooseHome } from './home.ts';
import type { OnProgress } from './packages.ts';
import { preparePostgres } from './postgres.ts';
import { findAsterisk, findPrograms } from './programs.ts';
import { chooseServiceUser, type ServiceUser } from './service-user.ts';
import { type RuntimeSettings, readRuntimeSettings } from './settings.ts';
import { type Stack, startStack } from './stack.ts';
import type { RenderAsterisk, StackRequest } from './stack-request.ts';

/** The stack that belongs to this clone and environment: where it lies and how it is set, whether it runs or not. */
export interface OwnStack {
  readonly appDir: string;
  readonly homeDir: string;
  readonly copyApp: boolean;
  readonly user: ServiceUser;
  readonly settings: RuntimeSettings;
  readonly configPath: string;
  readonly soundsDir: string;
}

export function locateOwnStack(appDir: string, environment: Readonly<Record<string, string | undefined>>): OwnStack {
  const settings = readRuntimeSettings(environment);
  const user = chooseServiceUser(settings.user);
  const home = chooseHome(appDir, settings.home === undefined ? undefined : resolve(settings.home), user);
  return {
    appDir,
    homeDir: home.dir,
    copyApp: home.copyApp,
    user,
    settings,
    configPath: resolve(settings.config ?? join(appDir, 'config')),
    soundsDir: join(appDir, 'sounds'),
  };
}

/** Where the fetched programs of this stack lie. */
export function rootsDirOf(own: OwnStack): string {
  return resolve(own.settings.runtimeRoot ?? join(own.homeDir, 'runtime'));
}

/** The Asterisk that this stack runs, for test phones beside it; fetched when it is missing. */
export async function findOwnAsterisk(own: OwnStack, onProgress: OnProgress): Promise<AsteriskProgram> {
  return await findAsterisk({ ...sourcesOf(own.settings), rootsDir: rootsDirOf(own), onProgress });
}

function sourcesOf(settings: RuntimeSettings): StackRequest['sources'] {
  return {
    suite: settings.suite,
    programs: settings.programs,
    ...(settings.mirror === undefined ? {} : { mirror: settings.mirror }),
    ...(settings.keyring === undefined ? {} : { keyring: settings.keyring }),
  };
}

export interface StartOptions {
  readonly hotline: Pick<StackRequest['hotline'], 'operators' | 'trunks'>;
  readonly renderAsterisk: RenderAsterisk;
  readonly testing: boolean;
  readonly onProgress: OnProgress;
  readonly onEvent: (event: ChildEvent) => void;
}

export async function startOwnStack(own: OwnStack, options: StartOptions): Promise<Stack> {
  const { settings } = own;
  return await startStack({
    appDir: own.appDir,
    homeDir: own.homeDir,
    copyApp: own.copyApp,
    user: own.user,
    ports: settings.ports,
    hotline: { configPath: own.configPath, ...options.hotline },
    renderAsterisk: options.renderAsterisk,
    sources: sourcesOf(settings),
    rootsDir: rootsDirOf(own),
    ...(settings.redisUrl === undefined ? {} : { redisUrl: settings.redisUrl }),
    ...(settings.databaseUrl === undefined ? {} : { databaseUrl: settings.databaseUrl }),
    testing: options.testing,
    onProgress: options.onProgress,
    onEvent: options.onEvent,
  });
}

/** Brings what tests need (servers, PostgreSQL, a copy of the application where its user needs one) into one folder, and returns it. */
export async function prepareTools(own: OwnStack, onProgress: OnProgress): Promise<string> {
  const rootsDir = rootsDirOf(own);
  const { mirror, keyring, suite, programs } = own.settings;
  await findPrograms(
    {
      rootsDir,
      suite,
      programs,
      onProgress,
      ...(mirror === undefined ? {} : { mirror }),
      ...(keyring === undefined ? {} : { keyring }),
    },
    { withRedis: true },
  );
  await preparePostgres({ rootsDir, onProgress });
  if (own.copyApp) await copyApp(own.appDir, rootsDir, onProgress);
  return rootsDir;
}
