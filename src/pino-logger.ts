import { type Logger as PinoLogger, pino } from 'pino';
import type { LogFields, Logger } from './foundation/index.ts';

/**
 * Lines of JSON on stdout. Whatever stands under `pii` is replaced at any level of the service; the message itself cannot be
 * redacted, which is why no personal data goes there.
 */
export function createLogger(options: { readonly level: string; readonly name: string }): Logger {
  const logger = pino({
    name: options.name,
    level: options.level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: ['pii', '*.pii', '*.*.pii'], censor: '[personal data]' },
  });
  return wrap(logger);
}

function wrap(logger: PinoLogger): Logger {
  return {
    debug: (fields: LogFields, message: string) => logger.debug(fields, message),
    info: (fields: LogFields, message: string) => logger.info(fields, message),
    warn: (fields: LogFields, message: string) => logger.warn(fields, message),
    error: (fields: LogFields, message: string) => logger.error(fields, message),
    child: (fields: LogFields) => wrap(logger.child(fields)),
  };
}
